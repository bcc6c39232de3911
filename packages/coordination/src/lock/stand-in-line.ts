import type { Runtime, Timers } from '@flotilla/runtime';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { CallScope, type ScopeOptions } from '../call-scope.ts';
import { ConnectionError, TimeoutError, ValidationError } from '../coordination-error.ts';
import { openSession, type SessionOptions } from '../session/open-session.ts';
import { type Session, SessionLostError } from '../session/session.ts';
import { PlaceInLine, type PlaceRequest } from './place-in-line.ts';
import { intervalWithin, type SessionHoldOptions } from './session-hold.ts';

/** The longest that an abandoned wait is held up by taking its place away; after that it is taken away unheard. */
const tidyMs = 1_000;
/** The wait between tries to stand in line again while no server answers. */
const reopenMs = 250;

/** Bounds of a wait, and the lease of what is waited for. */
export interface StandOptions extends ScopeOptions {
  readonly ttlMs: number;
  readonly renewIntervalMs: number | undefined;
}

/** Who stands in line, and for what. */
export interface Stand {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  /** For messages: `the lock "a"`. */
  readonly what: string;
  readonly place: PlaceRequest;
  /** Ends all waiting when the owner of the line is closed. */
  readonly closed: AbortSignal;
  /** What goes on after a wait was abandoned: the place being taken away. */
  readonly onAbandoned: (tidying: Promise<void>) => void;
  /**
   * What is left to do when it is our turn, for lines where the place alone is not what is wanted: the key that is held in the end,
   * or `undefined` when a trial finds nothing free.
   */
  readonly enter?: ((turn: Turn) => Promise<HeldKey | undefined>) | undefined;
}

/** It is our turn. */
export interface Turn {
  readonly place: PlaceInLine;
  readonly session: Session;
  /** Ends with the wait and with the session. */
  readonly signal: AbortSignal;
  readonly isTrial: boolean;
}

/** A key on a session's lease, and the revision that made it. */
export interface HeldKey {
  readonly key: Uint8Array;
  readonly createRevision: bigint;
}

/**
 * Stands in line until it is our turn; or, with `isTrial`, takes what is free now and is otherwise `undefined`. A lease that ends
 * while it waits costs the place: it stands in line again, at the end.
 *
 * Whoever gives up leaves nothing: the lease is revoked, so that a place whose taking has an unknown outcome is gone, or will not
 * be taken. That is waited for, but not for long.
 *
 * @throws {CancelledError} or {TimeoutError} when the wait is over.
 */
export async function standInLine(
  stand: Stand,
  options: StandOptions,
  isTrial: boolean,
): Promise<SessionHoldOptions | undefined> {
  const { backend, runtime, what } = stand;
  const { ttlMs, timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new ValidationError(`timeoutMs must be a number of milliseconds of at least 0, not ${timeoutMs}`);
  }
  const renewIntervalMs = intervalWithin(options.renewIntervalMs, ttlMs);
  using scope = new CallScope(runtime.timers, `acquiring ${what}`, options, [stand.closed]);
  for (let isAgain = false; ; isAgain = true) {
    const session = await openWithin(stand, { ttlMs, renewIntervalMs, runtime, signal: scope.signal }, isAgain);
    try {
      const held = await waitForTurn(stand, session, scope.signal, isTrial);
      if (held !== undefined) {
        const { key, createRevision } = held;
        return { backend, runtime, session, ttlMs, renewIntervalMs, key, createRevision, what };
      }
      await tidy(stand, session);
      return undefined;
    } catch (error) {
      await tidy(stand, session);
      if (!(error instanceof SessionLostError) || scope.signal.aborted) throw error;
      runtime.logger.info('a lease ended while it stood in line; standing in line again', { what });
    }
  }
}

/** Opens a session; for one who waited already, as soon as a server can be reached again. */
async function openWithin(
  { backend, runtime }: Stand,
  options: SessionOptions & { readonly signal: AbortSignal },
  isAgain: boolean,
): Promise<Session> {
  for (;;) {
    options.signal.throwIfAborted();
    try {
      return await openSession(backend, options);
    } catch (error) {
      options.signal.throwIfAborted();
      const isPassing = error instanceof ConnectionError || error instanceof TimeoutError;
      if (!isAgain || !isPassing) throw error;
    }
    await runtime.timers.sleep(reopenMs, options.signal);
  }
}

async function waitForTurn(
  { backend, runtime, what, place: request, enter }: Stand,
  session: Session,
  bounds: AbortSignal,
  isTrial: boolean,
): Promise<HeldKey | undefined> {
  using scope = new CallScope(runtime.timers, `acquiring ${what}`, {}, [bounds, session.signal]);
  const { signal } = scope;
  const take = isTrial ? PlaceInLine.takeIfFirst : PlaceInLine.take;
  const place = await take(backend, runtime, session, request, signal);
  await place?.waitForTurn(signal);
  const held = place === undefined || enter === undefined ? place : await enter({ place, session, signal, isTrial });
  // The lease may have ended, or the caller given up, while the last answer was on its way.
  if (held !== undefined && !session.isAlive) throw new SessionLostError('the lease ended while it stood in line');
  signal.throwIfAborted();
  return held;
}

async function tidy({ runtime, onAbandoned, what }: Stand, session: Session): Promise<void> {
  const closing = session.close().catch((error: unknown) => {
    runtime.logger.warn('the lease of an abandoned place in line is left to run out', { what, error });
  });
  onAbandoned(closing);
  await within(runtime.timers, tidyMs, closing);
}

/** Waits for `promise`, for at most so long. */
async function within(timers: Timers, limitMs: number, promise: Promise<void>): Promise<void> {
  const done = new AbortController();
  const limit = timers.sleep(limitMs, done.signal).catch(() => {});
  await Promise.race([promise, limit]);
  done.abort();
}
