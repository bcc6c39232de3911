import type { KeyValue } from '../backend/key-value.ts';
import { CallScope, type ScopeOptions } from '../call-scope.ts';
import { ConflictError, ValidationError } from '../coordination-error.ts';
import { callPersistently } from '../persistent-call.ts';
import { openSession } from '../session/open-session.ts';
import { type Session, SessionLostError } from '../session/session.ts';
import { awaitChange } from './await-change.ts';
import { defaultTtlMs, type LineOptions, lineName } from './line-options.ts';
import type { LockCallOptions } from './lock.ts';
import { intervalWithin } from './session-hold.ts';

/** How a double barrier is entered. */
export interface EnterOptions extends ScopeOptions {
  /** How long the participant is waited for when its process is gone, at least 1. */
  readonly ttlMs?: number | undefined;
}

/** One who is inside a double barrier. */
export interface Participant extends AsyncDisposable {
  /** Aborts when it counts as gone without having left, and plainly once it left. */
  readonly signal: AbortSignal;
  /** Leaves, and resolves once all others have left or are gone. Idempotent. */
  leave(options?: LockCallOptions): Promise<void>;
}

/**
 * Lets a number of participants begin together and end together: all enter before any goes on, and all leave before any goes on.
 * Whoever loses its lease counts as gone. Can be used again once all have left.
 *
 * Keys: `<name>/waiters/<lease id>`, and `<name>/ready`, which counts for those who came before it was put.
 * Source: etcd `client/v3/experimental/recipes`, double_barrier.go.
 */
export class DoubleBarrier {
  readonly #options: LineOptions;
  readonly #parties: number;
  readonly #name: string;
  readonly #what: string;

  /** @param parties How many it takes, at least 1. @throws {ValidationError} for another number. */
  constructor(barrier: string, parties: number, options: LineOptions) {
    if (!(Number.isSafeInteger(parties) && parties >= 1)) {
      throw new ValidationError(`parties must be a whole number of at least 1, not ${parties}`);
    }
    this.#options = options;
    this.#parties = parties;
    this.#name = lineName(options.keyPrefix ?? '/barriers', barrier);
    this.#what = `the barrier ${JSON.stringify(barrier)}`;
  }

  /**
   * Enters, and resolves once all have.
   *
   * @throws {ConflictError} when as many as it takes have come, or some of them are still inside.
   * @throws {SessionLostError} when the lease ended while it waited.
   * @throws {TimeoutError} or {CancelledError} when the wait is over; nothing is left behind.
   */
  async enter(options: EnterOptions = {}): Promise<Participant> {
    const { backend, runtime, renewIntervalMs } = this.#options;
    const ttlMs = options.ttlMs ?? this.#options.defaultTtlMs ?? defaultTtlMs;
    using bounds = new CallScope(runtime.timers, `entering ${this.#what}`, options);
    const interval = intervalWithin(renewIntervalMs, ttlMs);
    const session = await openSession(backend, {
      ttlMs,
      renewIntervalMs: interval,
      runtime,
      signal: bounds.signal,
    }).catch((error: unknown) => {
      throw bounds.signal.aborted ? bounds.signal.reason : error;
    });
    try {
      using scope = new CallScope(runtime.timers, `entering ${this.#what}`, {}, [bounds.signal, session.signal]);
      await this.#enter(session, scope.signal);
    } catch (error) {
      await session.close();
      throw error;
    }
    return new BarrierParticipant(session, (leaving) => this.#leave(session, leaving));
  }

  async #enter(session: Session, signal: AbortSignal): Promise<void> {
    const { backend, runtime } = this.#options;
    const action = `entering ${this.#what}`;
    const key = this.#keyOf(session);
    const join = {
      compare: [{ key, target: 'createRevision', createRevision: 0n, result: '=' }],
      success: [{ type: 'put', key, value: new Uint8Array(0), leaseId: session.leaseId }],
    } as const;
    await callPersistently(runtime, signal, action, (call) => backend.transact(join, call));
    for (;;) {
      const { waiters, ready, revision } = await this.#look(signal);
      const own = waiters.find((kv) => Buffer.compare(kv.key, key) === 0);
      if (own === undefined) throw new SessionLostError('the lease ended while it waited');
      if (ready !== undefined && ready.modRevision > own.createRevision) return;
      // Those who entered together are still inside: whoever comes now belongs to the next round.
      const isInUse = ready !== undefined && waiters.some((kv) => kv.createRevision < ready.modRevision);
      const rank = waiters.filter((kv) => kv.createRevision <= own.createRevision).length;
      if (isInUse || rank > this.#parties) throw new ConflictError(`${this.#what} is taken by others`);
      const readyKey = this.#readyKey();
      if (rank === this.#parties) {
        const put = { key: readyKey, value: new Uint8Array(0) };
        await callPersistently(runtime, signal, action, (call) => backend.put(put, call));
        return;
      }
      await awaitChange(
        backend,
        { range: { key: readyKey }, type: 'put', fromRevision: revision + 1n },
        signal,
        action,
      );
      if (!session.isAlive) throw new SessionLostError('the lease ended while it waited');
    }
  }

  /**
   * Leaves. The oldest stays until it is the last, and all others wait for it alone: so one key is watched by each, and the last
   * to leave takes `ready` away with it.
   */
  async #leave(session: Session, { signal: given }: LockCallOptions): Promise<void> {
    const { backend, runtime } = this.#options;
    const action = `leaving ${this.#what}`;
    using scope = new CallScope(runtime.timers, action, { signal: given });
    const { signal } = scope;
    const key = this.#keyOf(session);
    for (;;) {
      const { waiters, revision } = await this.#look(signal);
      const [oldest] = waiters;
      if (oldest === undefined) break;
      const isOldest = Buffer.compare(oldest.key, key) === 0;
      if (isOldest && waiters.length === 1) {
        await this.#closeDoor(key, signal);
        continue;
      }
      if (!isOldest && waiters.some((kv) => Buffer.compare(kv.key, key) === 0)) {
        await callPersistently(runtime, signal, action, (call) => backend.delete({ key }, call));
      }
      const awaited = isOldest ? (waiters.at(-1) as KeyValue) : oldest;
      const change = { range: { key: awaited.key }, type: 'delete', fromRevision: revision + 1n } as const;
      await awaitChange(backend, change, signal, action);
    }
    await session.close({ signal });
  }

  /** Takes the last one's key and `ready` away, unless somebody has come meanwhile. */
  async #closeDoor(key: Uint8Array, signal: AbortSignal): Promise<void> {
    const { backend, runtime } = this.#options;
    const { key: from, end } = this.#waiterRange();
    const absent = { target: 'createRevision', createRevision: 0n, result: '=' } as const;
    const request = {
      compare: [
        { key: from, end: key, ...absent },
        { key: Buffer.concat([key, Uint8Array.of(0)]), end, ...absent },
      ],
      success: [
        { type: 'delete', key },
        { type: 'delete', key: this.#readyKey() },
      ],
      failure: [{ type: 'delete', key }],
    } as const;
    await callPersistently(runtime, signal, `leaving ${this.#what}`, (call) => backend.transact(request, call));
  }

  async #look(signal: AbortSignal): Promise<{
    readonly waiters: readonly KeyValue[];
    readonly ready: KeyValue | undefined;
    readonly revision: bigint;
  }> {
    const { backend, runtime } = this.#options;
    const sort = { by: 'createRevision', order: 'ascending' } as const;
    const request = {
      compare: [],
      success: [
        { type: 'range', ...this.#waiterRange(), sort, keysOnly: true },
        { type: 'range', key: this.#readyKey(), keysOnly: true },
      ],
    } as const;
    const { results, revision } = await callPersistently(runtime, signal, `entering ${this.#what}`, (call) =>
      backend.transact(request, call),
    );
    const [waiters, ready] = results.map((result) => (result.type === 'range' ? result.kvs : []));
    return { waiters: waiters ?? [], ready: ready?.[0], revision };
  }

  #keyOf(session: Session): Uint8Array {
    return Buffer.from(`${this.#name}/waiters/${session.leaseId.toString(16)}`);
  }

  #readyKey(): Uint8Array {
    return Buffer.from(`${this.#name}/ready`);
  }

  /** A lease id begins with a digit or a letter up to f. */
  #waiterRange(): { readonly key: Uint8Array; readonly end: Uint8Array } {
    return { key: Buffer.from(`${this.#name}/waiters/0`), end: Buffer.from(`${this.#name}/waiters/g`) };
  }
}

class BarrierParticipant implements Participant {
  readonly #session: Session;
  readonly #leave: (options: LockCallOptions) => Promise<void>;
  #isOut = false;

  constructor(session: Session, leave: (options: LockCallOptions) => Promise<void>) {
    this.#session = session;
    this.#leave = leave;
  }

  get signal(): AbortSignal {
    return this.#session.signal;
  }

  async leave(options: LockCallOptions = {}): Promise<void> {
    if (this.#isOut) return;
    await this.#leave(options);
    this.#isOut = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}
