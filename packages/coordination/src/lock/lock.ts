import type { PutRequest, TransactionRequest, TransactionResult } from '../backend/transaction.ts';

/** What every call on a lock takes. */
export interface LockCallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A lock that was acquired. It is kept until it is released or lost.
 *
 * Invariant: `isHeld` turns false before anyone else can enter, by the monotonic clock of this process, and stays false.
 */
export interface Lock extends AsyncDisposable {
  /** The name it was acquired by. */
  readonly key: string;
  /** Whether the lock can be relied on now; computed from the clock, so that it is right even after the process stood still. */
  readonly isHeld: boolean;
  /** Aborts when the lock is lost, with a `SessionLostError` or a `NotHeldError`, and plainly when it is released. */
  readonly signal: AbortSignal;
  /**
   * Grows from holder to holder of an exclusive lock. A store that remembers the highest it has seen, and refuses lower ones, is
   * safe from holders that do not know yet that they are none (see `TokenFence`). It is the create revision of the lock's key.
   */
  readonly fencingToken: bigint;
  /** Milliseconds for which the lock is certainly held, unless renewed, which happens by itself; 0 once released or lost. */
  ttl(): number;
  /**
   * Renews now, so that the whole ttl lies ahead; with `ttlMs`, of that length from now on, and the token stays.
   *
   * @throws {NotHeldError} when there is nothing to renew, with the loss as its cause.
   */
  renew(ttlMs?: number, options?: LockCallOptions): Promise<void>;
  /** Frees the lock; idempotent, and nothing to do for a lost one. Resolves when the next in line can go on. */
  release(options?: LockCallOptions): Promise<void>;
  /**
   * Puts a key in the same store, in one transaction with the check that this lock is held.
   *
   * @throws {NotHeldError} when it is not; nothing was written.
   * @throws {OutcomeUnknownError} when nobody knows whether it was written.
   */
  guardedPut(key: string | Uint8Array, value: string | Uint8Array, options?: GuardedPutOptions): Promise<bigint>;
  /** The same for a whole transaction. */
  guardedTransact(request: TransactionRequest, options?: LockCallOptions): Promise<TransactionResult>;
}

/** How a guarded put is done. */
export type GuardedPutOptions = LockCallOptions & Pick<PutRequest, 'leaseId'>;

/** A lock that its owner may acquire again, and that is free when it was released as often. */
export interface ReentrantLock extends Lock {
  readonly owner: string;
  /** Acquires it once more, at once; no server is asked. @throws {NotHeldError} when it was freed or lost. */
  acquire(): void;
  /** How many releases it takes to free it; 0 once freed or lost. */
  acquireCount(): number;
}
