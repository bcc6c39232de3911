import type { Runtime } from '@flotilla/runtime';
import { BackendError } from '../../src/backend/backend-error.ts';
import type { CallOptions, CoordinationBackend } from '../../src/backend/coordination-backend.ts';
import type { Watch, WatchUpdate } from '../../src/backend/watch.ts';

/** One call that reached the server. */
export interface LinkCall {
  readonly method: string;
  readonly atMs: number;
}

/**
 * A process's way to a backend, on virtual time: calls take their time there and back, in the process's own timers, so that a
 * paused process hears nothing. While `isCut`, requests are lost on their way, and answers that are on theirs too; while
 * `answersAreLost`, requests are carried out and nobody hears of it. A call without an answer ends by its time: with
 * `outcomeUnknown` if it wrote.
 */
export class SimulatedLink {
  requestMs = 1;
  answerMs = 1;
  isCut = false;
  answersAreLost = false;
  /** Answers that a watch hears late. */
  watchMs = 1;
  readonly calls: LinkCall[] = [];
  readonly #inner: CoordinationBackend;
  /** The network's own time, which goes on while the process is paused. */
  readonly #world: Runtime;
  readonly #process: Runtime;

  constructor(inner: CoordinationBackend, world: Runtime, process: Runtime) {
    this.#inner = inner;
    this.#world = world;
    this.#process = process;
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { method } of this.calls) counts[method] = (counts[method] ?? 0) + 1;
    return counts;
  }

  open(): CoordinationBackend {
    const inner = this.#inner;
    return {
      name: 'simulated link',
      location: { type: 'here' },
      range: (request, options) => this.#carry('range', false, options, () => inner.range(request)),
      put: (request, options) => this.#carry('put', true, options, () => inner.put(request)),
      delete: (request, options) => this.#carry('delete', true, options, () => inner.delete(request)),
      transact: (request, options) => this.#carry('transact', true, options, () => inner.transact(request)),
      compact: (revision, options) => this.#carry('compact', true, options, () => inner.compact(revision)),
      grantLease: (request, options) => this.#carry('grantLease', true, options, () => inner.grantLease(request)),
      keepLeaseAlive: (id, options) => this.#carry('keepLeaseAlive', false, options, () => inner.keepLeaseAlive(id)),
      revokeLease: (id, options) => this.#carry('revokeLease', true, options, () => inner.revokeLease(id)),
      leaseStatus: (id, options) => this.#carry('leaseStatus', false, options, () => inner.leaseStatus(id)),
      leases: (options) => this.#carry('leases', false, options, () => inner.leases()),
      watch: (request, options) => {
        this.calls.push({ method: 'watch', atMs: this.#world.clock.monotonicMs() });
        return this.#relay(inner.watch(request, options));
      },
      ping: (options) => this.#carry('ping', false, options, () => inner.ping()),
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    };
  }

  #carry<T>(method: string, isWrite: boolean, options: CallOptions = {}, work: () => Promise<T>): Promise<T> {
    const { signal, timeoutMs = 2_000 } = options;
    if (signal?.aborted === true) return Promise.reject(new BackendError('cancelled', 'given up'));
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      const end = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        expiry.cancel();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const unanswered = (code: 'timeout' | 'cancelled') => (): void => {
        end(() => reject(new BackendError(isWrite ? 'outcomeUnknown' : code, 'no answer')));
      };
      const expiry = this.#process.timers.after(timeoutMs, unanswered('timeout'));
      const onAbort = unanswered('cancelled');
      signal?.addEventListener('abort', onAbort, { once: true });
      if (this.isCut) return;
      const answer = (settle: () => void): void => {
        if (this.answersAreLost || this.isCut) return;
        this.#world.timers.after(this.answerMs, () => {
          // Reaches the process; a paused one reads it when it goes on.
          if (!this.isCut) this.#process.timers.after(0, () => end(settle));
        });
      };
      this.#world.timers.after(this.requestMs, () => {
        if (this.isCut) return;
        this.calls.push({ method, atMs: this.#world.clock.monotonicMs() });
        work().then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }

  /** A watch outlives cuts: what happened meanwhile comes when they are over. */
  #relay(watch: Watch): Watch {
    const delay = async (update: IteratorResult<WatchUpdate>): Promise<IteratorResult<WatchUpdate>> => {
      if (update.done === true) return update;
      await this.#process.timers.sleep(this.watchMs);
      while (this.isCut) await this.#process.timers.sleep(20);
      return update;
    };
    const relayed: Partial<Watch> = {
      next: async () => delay(await watch.next()),
      return: async () => {
        await watch.close();
        return { done: true, value: undefined };
      },
      requestProgress: () => watch.requestProgress(),
      close: () => watch.close(),
      [Symbol.asyncDispose]: () => watch.close(),
      [Symbol.asyncIterator]: () => relayed as Watch,
    };
    return relayed as Watch;
  }
}
