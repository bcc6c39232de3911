import type { TransactionRequest, TransactionResult } from '../backend/transaction.ts';
import type { GuardedPutOptions, Lock, LockCallOptions, ReentrantLock } from './lock.ts';
import { NotHeldError } from './lock-error.ts';

/** A lock that counts how often its owner has acquired it. */
export class OwnedLock implements ReentrantLock {
  readonly owner: string;
  readonly #lock: Lock;
  #count = 1;

  constructor(lock: Lock, owner: string) {
    this.#lock = lock;
    this.owner = owner;
  }

  get key(): string {
    return this.#lock.key;
  }

  get isHeld(): boolean {
    return this.#lock.isHeld;
  }

  get signal(): AbortSignal {
    return this.#lock.signal;
  }

  get fencingToken(): bigint {
    return this.#lock.fencingToken;
  }

  ttl(): number {
    return this.#lock.ttl();
  }

  acquire(): void {
    if (!this.acquireIfHeld()) throw new NotHeldError(`the lock ${JSON.stringify(this.key)}`);
  }

  /** Acquires it once more, unless it was freed or lost; returns whether it did. */
  acquireIfHeld(): boolean {
    if (!this.isHeld) return false;
    this.#count += 1;
    return true;
  }

  acquireCount(): number {
    return this.isHeld ? this.#count : 0;
  }

  renew(ttlMs?: number, options?: LockCallOptions): Promise<void> {
    return this.#lock.renew(ttlMs, options);
  }

  async release(options?: LockCallOptions): Promise<void> {
    if (this.#count > 0) this.#count -= 1;
    if (this.#count === 0) await this.#lock.release(options);
  }

  guardedPut(key: string | Uint8Array, value: string | Uint8Array, options?: GuardedPutOptions): Promise<bigint> {
    return this.#lock.guardedPut(key, value, options);
  }

  guardedTransact(request: TransactionRequest, options?: LockCallOptions): Promise<TransactionResult> {
    return this.#lock.guardedTransact(request, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
