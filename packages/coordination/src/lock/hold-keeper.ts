import { CallScope, type ScopeOptions } from '../call-scope.ts';
import { ClosedError } from '../coordination-error.ts';
import { defaultTtlMs, type LineOptions } from './line-options.ts';
import type { PlaceRequest } from './place-in-line.ts';
import type { SessionHold, SessionHoldOptions } from './session-hold.ts';
import { type Stand, standInLine } from './stand-in-line.ts';

/** What is waited for, and how. */
export interface Wanted extends ScopeOptions {
  /** For messages: `the lock "a"`. */
  readonly what: string;
  readonly place: PlaceRequest;
  /** The default of the options unless given. */
  readonly ttlMs?: number | undefined;
  /** Takes only what is free now. */
  readonly isTrial?: boolean;
  readonly enter?: Stand['enter'];
}

/** Keeps what was acquired through one object: releases all of it, and ends all waiting, when that is closed. */
export class HoldKeeper implements AsyncDisposable {
  readonly options: LineOptions;
  readonly #what: string;
  readonly #closed = new AbortController();
  readonly #held = new Set<SessionHold>();
  /** Places that are being taken away. */
  readonly #tidying = new Set<Promise<void>>();

  /** @param what What is closed, for the message of the error: `the election "a"`. */
  constructor(what: string, options: LineOptions) {
    this.#what = what;
    this.options = options;
  }

  /** A scope for a call, which ends with this too. */
  scope(action: string, options: ScopeOptions): CallScope {
    return new CallScope(this.options.runtime.timers, action, options, [this.#closed.signal]);
  }

  /** Stands in line and keeps what comes of it; `undefined` when a trial finds it taken. */
  async acquire<Hold extends SessionHold>(
    wanted: Wanted,
    make: (options: SessionHoldOptions) => Hold,
  ): Promise<Hold | undefined> {
    const { backend, runtime, renewIntervalMs } = this.options;
    const { what, place, enter, signal, timeoutMs, isTrial = false } = wanted;
    const ttlMs = wanted.ttlMs ?? this.options.defaultTtlMs ?? defaultTtlMs;
    const onAbandoned = (tidying: Promise<void>): void => {
      this.#tidying.add(tidying);
      void tidying.then(() => this.#tidying.delete(tidying));
    };
    const stand = { backend, runtime, what, place, closed: this.#closed.signal, onAbandoned, enter };
    const options = await standInLine(stand, { signal, timeoutMs, ttlMs, renewIntervalMs }, isTrial);
    return options === undefined ? undefined : this.keep(make(options));
  }

  /** Keeps a hold until it ends. @throws {ClosedError} when this was closed meanwhile; the hold is released. */
  keep<Hold extends SessionHold>(hold: Hold): Hold {
    if (this.#closed.signal.aborted) {
      hold.release().catch(() => {});
      throw this.#closed.signal.reason;
    }
    this.#held.add(hold);
    const forget = (): void => void this.#held.delete(hold);
    hold.signal.addEventListener('abort', forget, { once: true });
    if (hold.signal.aborted) forget();
    return hold;
  }

  /** Idempotent. Resolves when all was released and nothing is left of abandoned waits. */
  async close(): Promise<void> {
    this.#closed.abort(new ClosedError(`${this.#what} closed`));
    await Promise.all([...this.#held].map((hold) => hold.release()));
    await Promise.all(this.#tidying);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
