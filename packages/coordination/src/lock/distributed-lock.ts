import { assert } from '@flotilla/runtime';
import type { ScopeOptions } from '../call-scope.ts';
import { unlessAborted } from '../cancellation.ts';
import { ValidationError } from '../coordination-error.ts';
import { HeldLock } from './held-lock.ts';
import { HoldKeeper } from './hold-keeper.ts';
import type { PlaceKind } from './line-layout.ts';
import { type LineOptions, lineName } from './line-options.ts';
import type { Lock, ReentrantLock } from './lock.ts';
import { MultiLock } from './multi-lock.ts';
import { OwnedLock } from './owned-lock.ts';

/** What locks need. */
export interface DistributedLockOptions extends LineOptions {
  /** Whether locks may be acquired again by their owners; true unless given. */
  readonly enableReentrant?: boolean | undefined;
}

/** How a lock is acquired. */
export interface AcquireOptions extends ScopeOptions {
  /** How long the lock outlasts its holder's process, at least 1; the default of these locks unless given. */
  readonly ttlMs?: number | undefined;
  /** Who acquires it; stored with the lock for people to read, and what `acquireReentrant` knows an owner by. */
  readonly owner?: string | undefined;
}

/**
 * Locks that exclude each other across processes. Acquisitions are served in the order of their arrival, whoever makes them: two of
 * one key exclude each other in one process too, and a re-entrant lock knows its owner by name alone.
 *
 * `etcdctl lock` and these locks exclude each other on one etcd, by the name with its prefix.
 */
export class DistributedLock implements AsyncDisposable {
  readonly #options: DistributedLockOptions;
  readonly #keeper: HoldKeeper;
  readonly #owned = new Map<string, Promise<OwnedLock>>();

  constructor(options: DistributedLockOptions) {
    this.#options = options;
    this.#keeper = new HoldKeeper('the locks were', options);
  }

  /**
   * Acquires a lock for itself alone, waiting for those who came before.
   *
   * @throws {TimeoutError} when its time was over, {CancelledError} when the signal aborted; nothing is left behind.
   */
  acquire(key: string, options: AcquireOptions = {}): Promise<Lock> {
    return this.#acquire(key, 'exclusive', options);
  }

  /** Acquires a lock if it is free and nobody waits for it; otherwise `undefined`, at once. */
  tryAcquire(key: string, options: AcquireOptions = {}): Promise<Lock | undefined> {
    return this.#stand(key, 'exclusive', options, true);
  }

  /** Acquires a lock together with other readers; waits for writers that came before, so that none of them starves. */
  acquireReadLock(key: string, options: AcquireOptions = {}): Promise<Lock> {
    return this.#acquire(key, 'shared', options);
  }

  /** Acquires a lock alone, waiting for readers and writers that came before: the same as `acquire`. */
  acquireWriteLock(key: string, options: AcquireOptions = {}): Promise<Lock> {
    return this.#acquire(key, 'exclusive', options);
  }

  /**
   * Acquires a lock for `owner`, which gets it at once when it holds it here already; it is free when released as often. Owners are
   * known by name, so that tasks of one process exclude each other under different names.
   *
   * @throws {ValidationError} without an owner, or where re-entrant locks are switched off.
   */
  async acquireReentrant(key: string, options: AcquireOptions & { readonly owner: string }): Promise<ReentrantLock> {
    const { owner } = options;
    if (this.#options.enableReentrant === false) throw new ValidationError('re-entrant locks are switched off');
    if (owner === undefined || owner === '') throw new ValidationError('owner must be given, and not empty');
    const what = `the lock ${JSON.stringify(key)}`;
    using scope = this.#keeper.scope(`acquiring ${what}`, options);
    const ownership = JSON.stringify([key, owner]);
    const inner = { ...options, signal: scope.signal, timeoutMs: undefined };
    for (;;) {
      const present = this.#owned.get(ownership);
      if (present === undefined) return await this.#acquireOwned(ownership, key, inner);
      // Another call of the same owner is first; what it comes to serves both, and if it fails this one tries itself.
      const lock = await unlessAborted(
        present.catch(() => undefined),
        scope.signal,
        () => scope.signal.reason,
      );
      if (lock?.acquireIfHeld() === true) return lock;
      if (this.#owned.get(ownership) === present) this.#owned.delete(ownership);
    }
  }

  /**
   * Acquires several locks, all or none. They are acquired in the order of their names, so that two who want the same locks never
   * wait for each other in a circle.
   */
  async acquireAll(keys: readonly string[], options: AcquireOptions = {}): Promise<MultiLock> {
    const sorted = [...new Set(keys)].sort();
    if (sorted.length === 0) throw new ValidationError('keys must not be empty');
    using scope = this.#keeper.scope('acquiring locks', options);
    const locks: Lock[] = [];
    try {
      for (const key of sorted) {
        locks.push(await this.acquire(key, { ...options, signal: scope.signal, timeoutMs: undefined }));
      }
      return new MultiLock(locks);
    } catch (error) {
      await Promise.allSettled(locks.map((lock) => lock.release()));
      throw error;
    }
  }

  /** Ends all waits with a `ClosedError` and releases all locks that were acquired here; idempotent. */
  close(): Promise<void> {
    return this.#keeper.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acquire(key: string, kind: PlaceKind, options: AcquireOptions): Promise<Lock> {
    const lock = await this.#stand(key, kind, options, false);
    assert(lock !== undefined, 'a wait ends with the lock or with an error');
    return lock;
  }

  async #acquireOwned(
    ownership: string,
    key: string,
    options: AcquireOptions & { readonly owner: string },
  ): Promise<ReentrantLock> {
    const forget = (): void => {
      if (this.#owned.get(ownership) === owned) this.#owned.delete(ownership);
    };
    const owned = this.#acquire(key, 'exclusive', options).then((lock) => {
      // Told at the moment it is freed or lost, before it can be anyone else's.
      lock.signal.addEventListener('abort', forget, { once: true });
      return new OwnedLock(lock, options.owner);
    });
    this.#owned.set(ownership, owned);
    owned.catch(forget);
    return owned;
  }

  async #stand(key: string, kind: PlaceKind, options: AcquireOptions, isTrial: boolean): Promise<Lock | undefined> {
    const { owner = '', ...bounds } = options;
    const name = lineName(this.#options.keyPrefix ?? '/locks', key);
    const place = { name, kind, value: Buffer.from(owner) };
    const wanted = { ...bounds, what: `the lock ${JSON.stringify(key)}`, place, isTrial };
    return this.#keeper.acquire(wanted, (hold) => new HeldLock(key, hold));
  }
}
