import { assert, type Runtime } from '@flotilla/runtime';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { Compare, Operation, TransactionRequest, TransactionResult } from '../backend/transaction.ts';
import { CallScope } from '../call-scope.ts';
import { cancelledBy, unlessAborted } from '../cancellation.ts';
import { ValidationError, withCoordinationErrors } from '../coordination-error.ts';
import { callPersistently } from '../persistent-call.ts';
import { openSession } from '../session/open-session.ts';
import type { Session } from '../session/session.ts';
import type { GuardedPutOptions, LockCallOptions } from './lock.ts';
import { NotHeldError } from './lock-error.ts';

/** What a hold is made of. */
export interface SessionHoldOptions {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  readonly session: Session;
  /** The ttl that was asked for; the session's may be longer. */
  readonly ttlMs: number;
  readonly renewIntervalMs: number | undefined;
  /** The key that hangs on the session, and the revision that made it. */
  readonly key: Uint8Array;
  readonly createRevision: bigint;
  /** For messages: `the lock "a"`. */
  readonly what: string;
}

/** Something held by a key on a lease: a lock, a permit of a semaphore, the leadership of an election. */
export class SessionHold implements AsyncDisposable {
  readonly fencingToken: bigint;
  readonly #options: SessionHoldOptions;
  readonly #controller = new AbortController();
  #session: Session;
  /** Where the key is being moved to. Until that is known, it may hang on either, and is held only while both live. */
  #next: Session | undefined;
  #ttlMs: number;
  #unfollow = (): void => {};
  #releasing: Promise<void> | undefined;
  /** Changes of the lease, one after another. */
  #moving: Promise<void> = Promise.resolve();

  constructor(options: SessionHoldOptions) {
    this.#options = options;
    this.fencingToken = options.createRevision;
    this.#session = options.session;
    this.#ttlMs = options.ttlMs;
    this.#follow(options.session);
  }

  get isHeld(): boolean {
    return this.ttl() > 0;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  ttl(): number {
    const leftMs = Math.min(this.#session.remainingMs, this.#next?.remainingMs ?? Number.POSITIVE_INFINITY);
    if (leftMs <= 0 && this.#next !== undefined) this.#end(this.#next.signal.reason ?? this.#session.signal.reason);
    return this.#controller.signal.aborted ? 0 : leftMs;
  }

  async renew(ttlMs: number = this.#ttlMs, { signal }: LockCallOptions = {}): Promise<void> {
    if (!(Number.isFinite(ttlMs) && ttlMs >= 1)) {
      throw new ValidationError(`ttlMs must be a number of milliseconds of at least 1, not ${ttlMs}`);
    }
    const move = this.#moving.then(() => this.#renew(ttlMs, signal));
    this.#moving = move.catch(() => {});
    await move;
  }

  async release({ signal }: LockCallOptions = {}): Promise<void> {
    this.#releasing ??= this.#release();
    const { what } = this.#options;
    await unlessAborted(this.#releasing, signal, () => cancelledBy(signal as AbortSignal, `releasing ${what}`));
  }

  async guardedPut(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: GuardedPutOptions = {},
  ): Promise<bigint> {
    const { leaseId, ...callOptions } = options;
    const put = { type: 'put', key: bytesOf(key), value: bytesOf(value), leaseId } as const;
    return (await this.#transactIfHeld([put], callOptions)).revision;
  }

  async guardedTransact(request: TransactionRequest, options: LockCallOptions = {}): Promise<TransactionResult> {
    const { results } = await this.#transactIfHeld([{ type: 'transaction', ...request }], options);
    const [result] = results;
    assert(result?.type === 'transaction', 'a transaction is answered as one');
    return result;
  }

  /** Replaces the value of the key. @throws {NotHeldError} when it is gone. */
  async replaceValue(value: Uint8Array, options: LockCallOptions): Promise<bigint> {
    const put = { type: 'put', key: this.#options.key, value, keepLease: true } as const;
    return (await this.#transactIfHeld([put], options)).revision;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #transactIfHeld(operations: readonly Operation[], { signal }: LockCallOptions): Promise<TransactionResult> {
    const { backend, what } = this.#options;
    this.#assertHeld();
    const request = { compare: [this.#isOurs()], success: operations };
    const action = `writing under ${what}`;
    const result = await withCoordinationErrors(action, () => backend.transact(request, { signal }));
    if (!result.succeeded) throw this.#giveUp(new NotHeldError(what));
    return result;
  }

  async #renew(ttlMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#assertHeld();
    try {
      if (ttlMs === this.#ttlMs) await this.#session.renew({ signal });
      else await this.#moveToLease(ttlMs, signal);
    } catch (error) {
      this.#assertHeld();
      throw error;
    }
    this.#assertHeld();
  }

  /**
   * Hangs the key on a lease of another ttl; key and token stay. A failure ends the hold: after an unknown outcome the key may hang
   * on either lease, and it must be gone for us before one of them ends.
   */
  async #moveToLease(ttlMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { backend, runtime, key, what } = this.#options;
    const action = `renewing ${what}`;
    using opening = new CallScope(runtime.timers, action, { signal }, [this.signal]);
    const renewIntervalMs = intervalWithin(this.#options.renewIntervalMs, ttlMs);
    const options = { ttlMs, renewIntervalMs, runtime, signal: opening.signal };
    const next = await openSession(backend, options).catch((error: unknown) => {
      throw opening.signal.aborted ? opening.signal.reason : error;
    });
    this.#next = next;
    try {
      // The caller's signal is heard no more: from here on the move is done or the lock is lost.
      using moving = new CallScope(runtime.timers, action, {}, [this.signal, next.signal]);
      const put = { type: 'put', key, keepValue: true, leaseId: next.leaseId } as const;
      const request = { compare: [this.#isOurs()], success: [put] };
      const result = await callPersistently(runtime, moving.signal, action, (call) => backend.transact(request, call));
      if (!result.succeeded) throw new NotHeldError(what);
    } catch (error) {
      this.#giveUp(error);
      next.close().catch(() => {});
      throw error;
    }
    const former = this.#session;
    this.#next = undefined;
    this.#follow(next);
    this.#ttlMs = ttlMs;
    former.close().catch(() => {});
  }

  #isOurs(): Compare {
    const { key, createRevision } = this.#options;
    return { key, target: 'createRevision', createRevision, result: '=' };
  }

  /** @throws {NotHeldError} with the reason as its cause. */
  #assertHeld(): void {
    if (this.isHeld) return;
    throw new NotHeldError(this.#options.what, { cause: this.signal.reason });
  }

  #follow(session: Session): void {
    this.#unfollow();
    this.#session = session;
    const onAbort = (): void => this.#end(session.signal.reason);
    session.signal.addEventListener('abort', onAbort, { once: true });
    this.#unfollow = () => session.signal.removeEventListener('abort', onAbort);
    if (session.signal.aborted) onAbort();
  }

  /** Ends a hold that is known to be none, and the renewal of its lease; returns the reason. */
  #giveUp(reason: unknown): unknown {
    this.#end(reason);
    this.#session.close().catch(() => {});
    return reason;
  }

  #end(reason: unknown): void {
    this.#unfollow();
    this.#controller.abort(reason);
  }

  async #release(): Promise<void> {
    const wasLost = this.#controller.signal.aborted;
    this.#end(new DOMException(`${this.#options.what} was released`, 'AbortError'));
    // A change of the lease that is under way ends soon, and may end with another session.
    await this.#moving;
    const closing = this.#session.close();
    // A lost one is not waited for: the server frees it, or has done so.
    if (wasLost) closing.catch(() => {});
    else await closing;
  }
}

/** The interval that was asked for, unless it is too long for the ttl. */
export function intervalWithin(renewIntervalMs: number | undefined, ttlMs: number): number | undefined {
  return renewIntervalMs !== undefined && renewIntervalMs <= ttlMs / 2 ? renewIntervalMs : undefined;
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}
