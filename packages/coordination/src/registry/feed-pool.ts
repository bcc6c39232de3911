import type { TimerHandle } from '@flotilla/runtime';
import { ClosedError } from '../coordination-error.ts';
import { ServiceFeed, type ServiceFeedOptions } from './service-feed.ts';

/** A feed in use; it stays until `release`, and a while longer. */
export interface FeedLease {
  readonly feed: ServiceFeed;
  /** Whether this use started it. */
  readonly isNew: boolean;
  release(): void;
}

interface PooledFeed {
  readonly feed: ServiceFeed;
  users: number;
  idle: TimerHandle | undefined;
}

/** One feed for each service that somebody asks for, shared by all who do. */
export class FeedPool {
  readonly #options: Omit<ServiceFeedOptions, 'name'>;
  readonly #feeds = new Map<string, PooledFeed>();
  #isClosed = false;

  constructor(options: Omit<ServiceFeedOptions, 'name'>) {
    this.#options = options;
  }

  /** @throws {ClosedError} with code `closed`. */
  use(name: string): FeedLease {
    if (this.#isClosed) throw new ClosedError('the service registry is closed');
    let pooled = this.#feeds.get(name);
    const isNew = pooled === undefined || pooled.feed.fatal !== undefined;
    if (pooled === undefined || isNew) {
      pooled = { feed: new ServiceFeed({ ...this.#options, name }), users: 0, idle: undefined };
      this.#feeds.set(name, pooled);
      pooled.feed.start();
    }
    return { feed: pooled.feed, isNew, release: this.#use(name, pooled) };
  }

  close(): void {
    this.#isClosed = true;
    for (const { feed, idle } of this.#feeds.values()) {
      idle?.cancel();
      feed.close();
    }
    this.#feeds.clear();
  }

  #use(name: string, pooled: PooledFeed): () => void {
    pooled.users += 1;
    pooled.idle?.cancel();
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      pooled.users -= 1;
      if (pooled.users > 0 || this.#isClosed) return;
      pooled.idle = this.#options.runtime.timers.after(this.#options.config.idleAfterMs, () => {
        if (this.#feeds.get(name) === pooled) this.#feeds.delete(name);
        pooled.feed.close();
      });
    };
  }
}
