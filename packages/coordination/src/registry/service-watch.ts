import { callerError } from './registry-error.ts';
import type { ServiceFeed } from './service-feed.ts';
import type { ServiceList, ServiceQuery } from './service-info.ts';

/**
 * A stream of full lists of one service. The first comes as soon as there is one; each further one when the list has changed
 * since the last that was read, however often it did. Ends with `return`, `close` or the caller's signal; rejects with a
 * `CoordinationError` that time cannot heal.
 */
export interface ServiceWatch extends AsyncIterableIterator<ServiceList>, AsyncDisposable {
  close(): Promise<void>;
}

interface Reader {
  resolve(result: IteratorResult<ServiceList>): void;
  reject(error: unknown): void;
}

/** What a watch works with. */
export interface FeedWatchOptions {
  readonly feed: ServiceFeed;
  readonly query: ServiceQuery;
  readonly signal: AbortSignal | undefined;
  /** Called once, when the watch has ended. */
  readonly onEnd: () => void;
}

/** The watch of a feed: nothing waits in it but its readers, since a list is made when one is read. */
export class FeedWatch implements ServiceWatch {
  readonly #options: FeedWatchOptions;
  readonly #readers: Reader[] = [];
  readonly #unsubscribe: () => void;
  /** Refusals that came before this watch, and are none of its. */
  readonly #refusals: number;
  #delivered: ServiceList | undefined;
  #isEnded = false;

  constructor(options: FeedWatchOptions) {
    this.#options = options;
    this.#refusals = options.feed.refusals;
    this.#unsubscribe = options.feed.subscribe(() => this.#serve());
    options.feed.hurry();
    options.signal?.addEventListener('abort', this.#end, { once: true });
    if (options.signal?.aborted === true) this.#end();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  next(): Promise<IteratorResult<ServiceList>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorResult<ServiceList>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async close(): Promise<void> {
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #end = (): void => {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#unsubscribe();
    this.#options.signal?.removeEventListener('abort', this.#end);
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
    this.#options.onEnd();
  };

  #serve(): void {
    const { feed, query } = this.#options;
    while (this.#readers.length > 0) {
      if (this.#isEnded) {
        this.#readers.shift()?.resolve({ done: true, value: undefined });
        continue;
      }
      const failure = feed.fatal ?? (feed.refusals > this.#refusals ? feed.lastFailure : undefined);
      if (failure !== undefined) {
        this.#readers.shift()?.reject(callerError(failure, 'watching a service'));
        this.#end();
        continue;
      }
      if (!feed.hasList) return;
      const list = feed.list(query);
      if (this.#delivered !== undefined && isSameList(this.#delivered, list)) return;
      this.#delivered = list;
      this.#readers.shift()?.resolve({ done: false, value: list });
    }
  }
}

/** Whether a reader would see no difference; the revision alone is none. */
function isSameList(left: ServiceList, right: ServiceList): boolean {
  return (
    left.isStale === right.isStale &&
    left.isProtected === right.isProtected &&
    left.retained.size === right.retained.size &&
    [...left.retained].every((id) => right.retained.has(id)) &&
    left.instances.length === right.instances.length &&
    left.instances.every((instance, index) => instance === right.instances[index])
  );
}
