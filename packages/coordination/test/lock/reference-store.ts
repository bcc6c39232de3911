import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { BackendError } from '../../src/backend/backend-error.ts';
import type { CoordinationBackend, LeaseGrant } from '../../src/backend/coordination-backend.ts';
import { isInRange, type KeyValue } from '../../src/backend/key-value.ts';
import type {
  Compare,
  DeleteRequest,
  Operation,
  OperationResult,
  PutRequest,
  RangeRequest,
  RangeResult,
  TransactionRequest,
  TransactionResult,
} from '../../src/backend/transaction.ts';
import type { Watch, WatchEvent, WatchRequest, WatchUpdate } from '../../src/backend/watch.ts';

const nothing = new Uint8Array(0);

/**
 * The contract of backends in its plainest form, in memory and on virtual time: every revision is kept as a copy of all keys.
 * What locks and the like are held against where no server is of interest; calls take no time (see `SimulatedLink`).
 */
export class ReferenceStore {
  readonly #runtime: Runtime;
  #revision = 1n;
  #compacted = 0n;
  #keys = new Map<string, KeyValue>();
  readonly #past = new Map<bigint, ReadonlyMap<string, KeyValue>>();
  readonly #history: { readonly revision: bigint; readonly events: readonly WatchEvent[] }[] = [];
  #events: WatchEvent[] = [];
  readonly #leases = new Map<bigint, { ttlMs: number; endsAtMs: number; timer: TimerHandle }>();
  #lastLeaseId = 0x694d_0000_0000_0000n;
  readonly #wakes = new Set<() => void>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get keys(): readonly string[] {
    return [...this.#keys.values()].map(({ key }) => Buffer.from(key).toString()).sort();
  }

  get leaseIds(): readonly bigint[] {
    return [...this.#leases.keys()];
  }

  /** Each call is done at once, when it is made. */
  open(): CoordinationBackend {
    const now = <T>(work: () => T): Promise<T> => Promise.resolve().then(work);
    const write = <T>(work: () => T): Promise<T> => now(() => this.#commit(work));
    const backend: CoordinationBackend = {
      name: 'reference',
      location: { type: 'here' },
      range: (request) => now(() => this.#range(request)),
      put: (request) => write(() => this.#put(request)),
      delete: (request) => write(() => this.#delete(request)),
      transact: (request) => write(() => this.#transact(request)),
      compact: (revision) => now(() => this.#compact(revision)),
      grantLease: ({ ttlMs }) => now(() => this.#grant(ttlMs)),
      keepLeaseAlive: (leaseId) => now(() => this.#keepAlive(leaseId)),
      revokeLease: (leaseId) => write(() => this.#revoke(leaseId)),
      leaseStatus: () => Promise.reject(new Error('not needed')),
      leases: () => now(() => [...this.#leases.keys()]),
      watch: (request, options) => this.#watch(request, options?.signal),
      ping: () => now(() => {}),
      close: () => now(() => {}),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return backend;
  }

  /** Runs a write; its changes have one revision. */
  #commit<T>(work: () => T): T {
    const before = new Map(this.#keys);
    this.#events = [];
    try {
      const result = work();
      if (this.#events.length > 0) {
        this.#past.set(this.#revision, before);
        this.#revision += 1n;
        this.#history.push({ revision: this.#revision, events: this.#events });
        for (const wake of [...this.#wakes]) wake();
      }
      return result;
    } catch (error) {
      this.#keys = before;
      throw error;
    }
  }

  /** The revision of the write that is being done. */
  get #next(): bigint {
    return this.#revision + (this.#events.length > 0 ? 1n : 0n);
  }

  #range(request: RangeRequest): RangeResult {
    const at = request.revision ?? 0n;
    if (at > this.#revision) throw new BackendError('futureRevision', 'yet to come');
    if (at !== 0n && at < this.#compacted) throw new BackendError('compacted', 'gone', { revision: this.#compacted });
    const keys =
      at === 0n || at === this.#revision ? this.#keys : (this.#past.get(at) as ReadonlyMap<string, KeyValue>);
    const found = [...keys.values()].filter(({ key }) => isInRange(key, request));
    const { by, order } = request.sort ?? { by: 'key', order: 'ascending' };
    const kept = found
      .filter((kv) => kv.createRevision <= (request.maxCreateRevision || kv.createRevision))
      .sort((a, b) => (order === 'ascending' ? 1 : -1) * compareBy(by, a, b));
    const kvs = kept.slice(0, request.limit ?? kept.length);
    const shown = request.keysOnly === true ? kvs.map((kv) => ({ ...kv, value: nothing })) : kvs;
    const isCut = kvs.length < kept.length;
    return { revision: this.#next, kvs: request.countOnly ? [] : shown, more: isCut, count: found.length };
  }

  #put(request: PutRequest): { readonly revision: bigint } {
    const { key, value = nothing, leaseId = 0n, keepLease, keepValue } = request;
    const name = nameOf(key);
    const before = this.#keys.get(name);
    if ((keepLease || keepValue) && before === undefined) throw new BackendError('keyNotFound', 'no such key');
    if (leaseId !== 0n && !this.#leases.has(leaseId)) throw new BackendError('leaseNotFound', 'no such lease');
    const revision = this.#revision + 1n;
    const kv: KeyValue = {
      key,
      value: keepValue && before !== undefined ? before.value : value,
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0n) + 1n,
      leaseId: keepLease && before !== undefined ? before.leaseId : leaseId,
    };
    this.#keys.set(name, kv);
    this.#events.push({ type: 'put', kv });
    return { revision };
  }

  #delete(range: DeleteRequest): { revision: bigint; deleted: number; previous: readonly KeyValue[] } {
    const found = [...this.#keys.values()].filter(({ key }) => isInRange(key, range));
    for (const kv of found) {
      this.#keys.delete(nameOf(kv.key));
      const gone = { key: kv.key, value: nothing, createRevision: 0n, version: 0n, leaseId: 0n };
      this.#events.push({ type: 'delete', kv: { ...gone, modRevision: this.#revision + 1n } });
    }
    return { revision: this.#next, deleted: found.length, previous: [] };
  }

  #transact({ compare, success, failure = [] }: TransactionRequest): TransactionResult {
    const succeeded = compare.every((condition) => this.#holds(condition));
    const results = (succeeded ? success : failure).map((operation) => this.#operate(operation));
    return { revision: this.#next, succeeded, results };
  }

  #operate(operation: Operation): OperationResult {
    switch (operation.type) {
      case 'range':
        return { type: 'range', ...this.#range(operation) };
      case 'put':
        return { type: 'put', ...this.#put(operation) };
      case 'delete':
        return { type: 'delete', ...this.#delete(operation) };
      case 'transaction':
        return { type: 'transaction', ...this.#transact(operation) };
    }
  }

  #holds(condition: Compare): boolean {
    if (condition.result !== '=') throw new Error('not needed');
    const found = [...this.#keys.values()].filter(({ key }) => isInRange(key, condition));
    const absent: KeyValue = {
      key: condition.key,
      value: nothing,
      createRevision: 0n,
      modRevision: 0n,
      version: 0n,
      leaseId: 0n,
    };
    const candidates = found.length === 0 && condition.end === undefined ? [absent] : found;
    return candidates.every((kv) => {
      switch (condition.target) {
        case 'createRevision':
          return kv.createRevision === condition.createRevision;
        case 'modRevision':
          return kv.modRevision === condition.modRevision;
        default:
          throw new Error('not needed');
      }
    });
  }

  #compact(revision: bigint): void {
    this.#compacted = revision;
    for (const wake of [...this.#wakes]) wake();
  }

  #grant(ttlMs: number): LeaseGrant {
    this.#lastLeaseId += 1n;
    this.#arm(this.#lastLeaseId, ttlMs);
    return { leaseId: this.#lastLeaseId, ttlMs, revision: this.#revision };
  }

  #arm(leaseId: bigint, ttlMs: number): void {
    this.#leases.get(leaseId)?.timer.cancel();
    const timer = this.#runtime.timers.after(ttlMs, () => this.#commit(() => this.#revoke(leaseId)));
    this.#leases.set(leaseId, { ttlMs, endsAtMs: this.#runtime.clock.monotonicMs() + ttlMs, timer });
  }

  #keepAlive(leaseId: bigint): number {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) throw new BackendError('leaseNotFound', 'no such lease');
    this.#arm(leaseId, lease.ttlMs);
    return lease.ttlMs;
  }

  #revoke(leaseId: bigint): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) throw new BackendError('leaseNotFound', 'no such lease');
    lease.timer.cancel();
    this.#leases.delete(leaseId);
    for (const kv of [...this.#keys.values()]) if (kv.leaseId === leaseId) this.#delete({ key: kv.key });
  }

  #watch(request: WatchRequest, signal: AbortSignal | undefined): Watch {
    const updates = this.#updates(request, signal);
    let wake = (): void => {};
    const closed = { is: false };
    const generator = updates((onWake) => {
      wake = onWake;
    }, closed);
    const close = async (): Promise<void> => {
      closed.is = true;
      wake();
    };
    return Object.assign(generator, {
      requestProgress: () => {},
      close,
      [Symbol.asyncDispose]: close,
    }) as unknown as Watch;
  }

  #updates({ startRevision, ignore, ...range }: WatchRequest, signal: AbortSignal | undefined) {
    const store = this;
    let next = startRevision ?? this.#revision + 1n;
    return async function* (onWake: (wake: () => void) => void, closed: { is: boolean }): AsyncGenerator<WatchUpdate> {
      for (;;) {
        if (closed.is || signal?.aborted === true) return;
        if (next <= store.#compacted) {
          yield { type: 'compacted', compactRevision: store.#compacted };
          return;
        }
        const entry = store.#history.find(({ revision }) => revision >= next);
        if (entry === undefined) {
          await new Promise<void>((resolve) => {
            const wake = (): void => {
              store.#wakes.delete(wake);
              signal?.removeEventListener('abort', wake);
              resolve();
            };
            store.#wakes.add(wake);
            signal?.addEventListener('abort', wake, { once: true });
            onWake(wake);
          });
          continue;
        }
        next = entry.revision + 1n;
        const events = entry.events.filter(({ type, kv }) => type !== ignore && isInRange(kv.key, range));
        if (events.length > 0) yield { type: 'events', revision: entry.revision, events };
      }
    };
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

function compareBy(by: string, a: KeyValue, b: KeyValue): number {
  if (by === 'createRevision') return Number(a.createRevision - b.createRevision);
  return Buffer.compare(a.key, b.key);
}
