import type { Lock, LockCallOptions } from './lock.ts';

/** Several locks that are held together: all of them, or it does not count as held. */
export class MultiLock implements AsyncDisposable {
  /** By name, in the order in which they were acquired. */
  readonly locks: readonly Lock[];
  readonly #controller = new AbortController();

  /** @param locks At least one, all held. */
  constructor(locks: readonly Lock[]) {
    this.locks = locks;
    for (const lock of locks) {
      const onAbort = (): void => this.#controller.abort(lock.signal.reason);
      lock.signal.addEventListener('abort', onAbort, { once: true });
      if (lock.signal.aborted) onAbort();
    }
  }

  get keys(): readonly string[] {
    return this.locks.map((lock) => lock.key);
  }

  get isHeld(): boolean {
    return this.locks.every((lock) => lock.isHeld);
  }

  /** Aborts with the first lock that is lost or released. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The least of the locks, in milliseconds. */
  ttl(): number {
    return Math.min(...this.locks.map((lock) => lock.ttl()));
  }

  /** Renews all of them. @throws {NotHeldError} when one is not held. */
  async renew(ttlMs?: number, options?: LockCallOptions): Promise<void> {
    await Promise.all(this.locks.map((lock) => lock.renew(ttlMs, options)));
  }

  /** Releases all of them, also when one of them fails; idempotent. */
  async release(options?: LockCallOptions): Promise<void> {
    const outcomes = await Promise.allSettled(this.locks.map((lock) => lock.release(options)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
