import { assert } from '@flotilla/runtime';
import type { CallOptions } from '../backend/coordination-backend.ts';
import type { ScopeOptions } from '../call-scope.ts';
import { ValidationError } from '../coordination-error.ts';
import { callPersistently } from '../persistent-call.ts';
import { SessionLostError } from '../session/session.ts';
import { awaitChange } from './await-change.ts';
import { HoldKeeper } from './hold-keeper.ts';
import { type LineOptions, lineName } from './line-options.ts';
import { SessionHold, type SessionHoldOptions } from './session-hold.ts';
import type { HeldKey, Turn } from './stand-in-line.ts';

/** How a permit is acquired. */
export interface PermitOptions extends ScopeOptions {
  /** How long the permit outlasts its process, at least 1; the default of the semaphore unless given. */
  readonly ttlMs?: number | undefined;
  /** Stored with the permit, for people to read. */
  readonly owner?: string | undefined;
}

/** A permit of a semaphore; kept until it is released or lost. */
export class Permit extends SessionHold {
  /** The name of the semaphore. */
  readonly semaphore: string;

  constructor(semaphore: string, options: SessionHoldOptions) {
    super(options);
    this.semaphore = semaphore;
  }
}

/**
 * Lets so many in at a time, in the order of their arrival. Those who wait stand in a line of their own, and only its first watches
 * the permits, so that a permit that comes free wakes one.
 *
 * Keys: `<name>/queue/…` as a lock's, `<name>/permits/<lease id>`. How many there are is up to who acquires: all should agree.
 */
export class Semaphore implements AsyncDisposable {
  /** The name of the semaphore. */
  readonly semaphore: string;
  readonly permits: number;
  readonly #options: LineOptions;
  readonly #name: string;
  readonly #keeper: HoldKeeper;

  /** @param permits At least 1. @throws {ValidationError} for another number. */
  constructor(semaphore: string, permits: number, options: LineOptions) {
    if (!(Number.isSafeInteger(permits) && permits >= 1)) {
      throw new ValidationError(`permits must be a whole number of at least 1, not ${permits}`);
    }
    this.semaphore = semaphore;
    this.permits = permits;
    this.#options = options;
    this.#keeper = new HoldKeeper('the semaphore was', options);
    this.#name = lineName(options.keyPrefix ?? '/semaphores', semaphore);
  }

  /** Acquires a permit, waiting for those who came before. @throws as `DistributedLock.acquire`. */
  async acquire(options: PermitOptions = {}): Promise<Permit> {
    const permit = await this.#stand(options, false);
    assert(permit !== undefined, 'a wait ends with a permit or with an error');
    return permit;
  }

  /** Acquires a permit if one is free and nobody waits; otherwise `undefined`, at once. */
  tryAcquire(options: PermitOptions = {}): Promise<Permit | undefined> {
    return this.#stand(options, true);
  }

  /** How many permits are held now. */
  async held(options: ScopeOptions = {}): Promise<number> {
    using scope = this.#keeper.scope('counting permits', options);
    return (await this.#count(scope.signal)).count;
  }

  /** Ends waits with a `ClosedError` and releases the permits that were acquired here; idempotent. */
  close(): Promise<void> {
    return this.#keeper.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #stand({ owner = '', ...bounds }: PermitOptions, isTrial: boolean): Promise<Permit | undefined> {
    const value = Buffer.from(owner);
    const place = { name: `${this.#name}/queue`, kind: 'exclusive', value } as const;
    const what = `a permit of ${JSON.stringify(this.semaphore)}`;
    const enter = (turn: Turn): Promise<HeldKey | undefined> => this.#enter(turn, value);
    const make = (hold: SessionHoldOptions): Permit => new Permit(this.semaphore, hold);
    return this.#keeper.acquire({ ...bounds, what, place, isTrial, enter }, make);
  }

  /**
   * Exchanges the first place for a permit as soon as one is free. Nobody else takes one meanwhile: it takes the first place, which
   * the exchange checks, so that the count can only have fallen since it was read.
   */
  async #enter({ place, session, signal, isTrial }: Turn, value: Uint8Array): Promise<HeldKey | undefined> {
    const { backend, runtime } = this.#options;
    const key = Buffer.from(`${this.#name}/permits/${session.leaseId.toString(16)}`);
    for (;;) {
      const { count, revision } = await this.#count(signal);
      if (count < this.permits) break;
      if (isTrial) return undefined;
      const change = { range: this.#permitRange(), type: 'delete', fromRevision: revision + 1n } as const;
      await awaitChange(backend, change, signal, 'waiting for a permit');
    }
    const { createRevision } = place;
    const exchange = {
      compare: [{ key: place.key, target: 'createRevision', createRevision, result: '=' }],
      success: [
        { type: 'put', key, value, leaseId: session.leaseId },
        { type: 'delete', key: place.key },
      ],
      failure: [{ type: 'range', key, keysOnly: true }],
    } as const;
    const result = await callPersistently(runtime, signal, 'taking a permit', (options: CallOptions) =>
      backend.transact(exchange, options),
    );
    if (result.succeeded) return { key, createRevision: result.revision };
    const [own] = result.results;
    // An exchange whose outcome was unknown had been done.
    if (own?.type === 'range' && own.kvs[0] !== undefined) return { key, createRevision: own.kvs[0].createRevision };
    throw new SessionLostError('the place in line is gone');
  }

  async #count(signal: AbortSignal): Promise<{ readonly count: number; readonly revision: bigint }> {
    const { backend, runtime } = this.#options;
    const range = { ...this.#permitRange(), countOnly: true };
    return callPersistently(runtime, signal, 'counting permits', (options) => backend.range(range, options));
  }

  /** A lease id begins with a digit or a letter up to f. */
  #permitRange(): { readonly key: Uint8Array; readonly end: Uint8Array } {
    return { key: Buffer.from(`${this.#name}/permits/0`), end: Buffer.from(`${this.#name}/permits/g`) };
  }
}
