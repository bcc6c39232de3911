import type { Runtime } from '@flotilla/runtime';
import {
  BackendError,
  type BackendLocation,
  type CallOptions,
  type CoordinationBackend,
  type Watch,
  type WatchRequest,
  type WatchUpdate,
} from '../../src/index.ts';

/** The way to the backend, each way. */
const latencyMs = 5;
/** How long a call waits for its answer unless it says so. */
const patienceMs = 1_000;

/**
 * A backend as one process reaches it over a network. While `isCut` nothing arrives; while `answersAreLost` calls are carried
 * out and nobody hears of it. A process whose runtime is halted hears nothing any more.
 */
export class DistantBackend implements CoordinationBackend {
  readonly name = 'distant';
  readonly location: BackendLocation = { type: 'here' };
  isCut = false;
  answersAreLost = false;
  /** Calls that were sent, by method. */
  readonly sent = new Map<string, number>();
  readonly #inner: CoordinationBackend;
  readonly #runtime: Runtime;
  readonly #watches = new Set<Watch>();
  #isClosed = false;

  constructor(inner: CoordinationBackend, runtime: Runtime) {
    this.#inner = inner;
    this.#runtime = runtime;
  }

  range(...[request, options]: Parameters<CoordinationBackend['range']>) {
    return this.#carry('range', options, () => this.#inner.range(request));
  }

  put(...[request, options]: Parameters<CoordinationBackend['put']>) {
    return this.#carry('put', options, () => this.#inner.put(request), true);
  }

  delete(...[request, options]: Parameters<CoordinationBackend['delete']>) {
    return this.#carry('delete', options, () => this.#inner.delete(request), true);
  }

  transact(...[request, options]: Parameters<CoordinationBackend['transact']>) {
    return this.#carry('transact', options, () => this.#inner.transact(request), true);
  }

  compact(...[revision, options]: Parameters<CoordinationBackend['compact']>) {
    return this.#carry('compact', options, () => this.#inner.compact(revision));
  }

  grantLease(...[request, options]: Parameters<CoordinationBackend['grantLease']>) {
    return this.#carry('grantLease', options, () => this.#inner.grantLease(request), true);
  }

  keepLeaseAlive(...[leaseId, options]: Parameters<CoordinationBackend['keepLeaseAlive']>) {
    return this.#carry('keepLeaseAlive', options, () => this.#inner.keepLeaseAlive(leaseId));
  }

  revokeLease(...[leaseId, options]: Parameters<CoordinationBackend['revokeLease']>) {
    return this.#carry('revokeLease', options, () => this.#inner.revokeLease(leaseId), true);
  }

  leaseStatus(...[leaseId, options]: Parameters<CoordinationBackend['leaseStatus']>) {
    const { keys = false } = options ?? {};
    return this.#carry('leaseStatus', options, () => this.#inner.leaseStatus(leaseId, { keys }));
  }

  leases(options?: CallOptions) {
    return this.#carry('leases', options, () => this.#inner.leases());
  }

  ping(options?: CallOptions) {
    return this.#carry('ping', options, () => this.#inner.ping());
  }

  watch(request: WatchRequest, options: { readonly signal?: AbortSignal | undefined } = {}): Watch {
    this.sent.set('watch', (this.sent.get('watch') ?? 0) + 1);
    const inner = this.#inner.watch(request, options);
    this.#watches.add(inner);
    const updates = this.#deliver(inner, options.signal);
    return Object.assign(updates, {
      requestProgress: () => {
        if (!this.isCut) this.#runtime.timers.after(latencyMs, () => inner.requestProgress());
      },
      close: () => inner.close(),
      [Symbol.asyncDispose]: () => inner.close(),
    });
  }

  /** Closes this way to the backend, and not the backend. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watches].map((watch) => watch.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the watch brings waits while the network is cut, as behind a connection that is made anew. */
  async *#deliver(inner: Watch, signal: AbortSignal | undefined): AsyncGenerator<WatchUpdate, undefined> {
    for await (const update of inner) {
      do await this.#runtime.timers.sleep(latencyMs);
      while (this.isCut && signal?.aborted !== true);
      if (signal?.aborted === true) break;
      yield update;
    }
    this.#watches.delete(inner);
    return undefined;
  }

  #carry<T>(method: string, options: CallOptions = {}, call: () => Promise<T>, isWrite = false): Promise<T> {
    const { signal, timeoutMs = patienceMs } = options;
    const { timers } = this.#runtime;
    if (this.#isClosed) return Promise.reject(new BackendError('closed', 'the backend is closed'));
    this.sent.set(method, (this.sent.get(method) ?? 0) + 1);
    return new Promise<T>((resolve, reject) => {
      const settle = (end: () => void): void => {
        expiry.cancel();
        signal?.removeEventListener('abort', abort);
        end();
      };
      const expiry = timers.after(timeoutMs, () => {
        const code = isWrite ? 'outcomeUnknown' : 'unavailable';
        settle(() => reject(new BackendError(code, 'no answer in time')));
      });
      const abort = (): void => {
        const code = isWrite ? 'outcomeUnknown' : 'cancelled';
        settle(() => reject(new BackendError(code, 'cancelled')));
      };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      const answer = (end: () => void): void => {
        timers.after(latencyMs, () => {
          if (!this.isCut && !this.answersAreLost) settle(end);
        });
      };
      timers.after(latencyMs, () => {
        if (this.isCut) return;
        call().then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }
}
