import type { Clock } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type {
  BackendLocation,
  CallOptions,
  CoordinationBackend,
  LeaseGrant,
  LeaseRequest,
  LeaseStatus,
} from '../backend/coordination-backend.ts';
import type {
  DeleteRequest,
  DeleteResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TransactionRequest,
  TransactionResult,
} from '../backend/transaction.ts';
import type { Watch, WatchRequest, WatchUpdate } from '../backend/watch.ts';
import type { CallObserver } from './call-observer.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What surrounds a backend's calls. */
export interface BackendSurroundings {
  readonly clock: Clock;
  readonly observer: CallObserver;
  readonly retry: RetryPolicy;
}

/**
 * A backend whose calls are observed, and tried again while no server can be reached.
 *
 * Only `unavailable` is tried again: it promises that the call had no effect, so that even a write may be sent once more. A
 * write of unknown outcome never is.
 */
export class ObservedBackend implements CoordinationBackend {
  readonly #backend: CoordinationBackend;
  readonly #around: BackendSurroundings;

  constructor(backend: CoordinationBackend, around: BackendSurroundings) {
    this.#backend = backend;
    this.#around = around;
  }

  get name(): string {
    return this.#backend.name;
  }

  get location(): BackendLocation {
    return this.#backend.location;
  }

  range(request: RangeRequest, options?: CallOptions): Promise<RangeResult> {
    return this.#call('range', options, (each) => this.#backend.range(request, each));
  }

  put(request: PutRequest, options?: CallOptions): Promise<PutResult> {
    return this.#call('put', options, (each) => this.#backend.put(request, each));
  }

  delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResult> {
    return this.#call('delete', options, (each) => this.#backend.delete(request, each));
  }

  transact(request: TransactionRequest, options?: CallOptions): Promise<TransactionResult> {
    return this.#call('transact', options, (each) => this.#backend.transact(request, each));
  }

  compact(revision: bigint, options?: CallOptions): Promise<void> {
    return this.#call('compact', options, (each) => this.#backend.compact(revision, each));
  }

  grantLease(request: LeaseRequest, options?: CallOptions): Promise<LeaseGrant> {
    return this.#call('grantLease', options, (each) => this.#backend.grantLease(request, each));
  }

  keepLeaseAlive(leaseId: bigint, options?: CallOptions): Promise<number> {
    return this.#call('keepLeaseAlive', options, (each) => this.#backend.keepLeaseAlive(leaseId, each));
  }

  revokeLease(leaseId: bigint, options?: CallOptions): Promise<void> {
    return this.#call('revokeLease', options, (each) => this.#backend.revokeLease(leaseId, each));
  }

  leaseStatus(leaseId: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseStatus> {
    return this.#call('leaseStatus', options, (each) =>
      this.#backend.leaseStatus(leaseId, { ...each, keys: options?.keys ?? false }),
    );
  }

  leases(options?: CallOptions): Promise<readonly bigint[]> {
    return this.#call('leases', options, (each) => this.#backend.leases(each));
  }

  watch(request: WatchRequest, options?: { readonly signal?: AbortSignal | undefined }): Watch {
    const watch = this.#backend.watch(request, options);
    const { metrics } = this.#around.observer;
    return metrics === undefined ? watch : new CountedWatch(watch, metrics);
  }

  ping(options?: CallOptions): Promise<void> {
    return this.#call('ping', options, (each) => this.#backend.ping(each));
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call<T>(name: string, options: CallOptions | undefined, call: (options: CallOptions) => Promise<T>): Promise<T> {
    const { clock, observer, retry } = this.#around;
    const { signal, timeoutMs } = options ?? {};
    const operation = `backend.${name}`;
    const endMs = timeoutMs === undefined ? undefined : clock.monotonicMs() + timeoutMs;
    const attempt = (): Promise<T> =>
      call({
        signal,
        timeoutMs: endMs === undefined ? undefined : Math.max(1, Math.ceil(endMs - clock.monotonicMs())),
      });
    return observer.observe(operation, 'client', () =>
      retry.run(attempt, { mayRetry, signal, endMs, onRetry: (error) => observer.retry(operation, error) }),
    );
  }
}

function mayRetry(error: unknown): boolean {
  return error instanceof BackendError && error.code === 'unavailable';
}

/** A watch that is counted while it is open. */
class CountedWatch implements Watch {
  readonly #watch: Watch;
  #ended: (() => void) | undefined;

  constructor(watch: Watch, metrics: { watchOpened(): void; watchClosed(): void }) {
    this.#watch = watch;
    metrics.watchOpened();
    this.#ended = () => metrics.watchClosed();
  }

  async next(): Promise<IteratorResult<WatchUpdate>> {
    try {
      const result = await this.#watch.next();
      if (result.done === true) this.#end();
      return result;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<WatchUpdate>> {
    await this.close();
    return { done: true, value: undefined };
  }

  requestProgress(): void {
    this.#watch.requestProgress();
  }

  async close(): Promise<void> {
    this.#end();
    await this.#watch.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(): void {
    this.#ended?.();
    this.#ended = undefined;
  }
}
