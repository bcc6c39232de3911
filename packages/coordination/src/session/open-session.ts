import type { Runtime } from '@flotilla/runtime';
import type { CallOptions, CoordinationBackend, LeaseGrant } from '../backend/coordination-backend.ts';
import { cancelledBy, throwIfCancelled } from '../cancellation.ts';
import {
  ConnectionError,
  OutcomeUnknownError,
  ValidationError,
  withCoordinationErrors,
} from '../coordination-error.ts';
import { LeaseSession } from './lease-session.ts';
import { RenewalService } from './renewal-service.ts';
import type { Session } from './session.ts';

/** What a session needs. */
export interface SessionOptions {
  /** How long the lease lasts unrenewed, at least 1; the server may grant more. */
  readonly ttlMs: number;
  /** From one renewal to the next: above 0 and less than what is trusted of the ttl; a third of it unless given. */
  readonly renewIntervalMs?: number | undefined;
  readonly runtime: Runtime;
  /** Gives the opening up; a session that is open it does not touch. */
  readonly signal?: AbortSignal | undefined;
  /** The longest that the opening may take; the backend's own unless given. */
  readonly timeoutMs?: number | undefined;
}

/** The most of a lease that is given away so that its loss is known here first, whatever the clocks. */
const longestMarginMs = 1_000;

/**
 * How much sooner than on the server a lease ends here: a tenth of its ttl, and no more than a second. It covers clocks that run
 * at different rates, and the time between asking whether a lease is alive and acting on the answer.
 */
function marginOf(ttlMs: number): number {
  return Math.min(longestMarginMs, ttlMs / 10);
}

/**
 * Opens a session: has a lease granted and keeps it alive until it is closed or lost.
 *
 * @throws {ValidationError} for a ttl or an interval that cannot be.
 * @throws {CoordinationError} when no lease was granted; one whose grant has an unknown outcome runs out by itself.
 */
export async function openSession(backend: CoordinationBackend, options: SessionOptions): Promise<Session> {
  const { ttlMs, renewIntervalMs, runtime, signal, timeoutMs } = options;
  if (!(Number.isFinite(ttlMs) && ttlMs >= 1)) {
    throw new ValidationError(`ttlMs must be a number of milliseconds of at least 1, not ${ttlMs}`);
  }
  const mostIntervalMs = ttlMs - marginOf(ttlMs);
  if (renewIntervalMs !== undefined && !(renewIntervalMs > 0 && renewIntervalMs < mostIntervalMs)) {
    throw new ValidationError(
      `renewIntervalMs must be above 0 and less than ${mostIntervalMs}, not ${renewIntervalMs}`,
    );
  }
  throwIfCancelled(signal, 'opening a session');
  const renewals = RenewalService.for(backend, runtime);
  const sentAtMs = renewals.clock.monotonicMs();
  const grant = await grantLease(backend, ttlMs, { signal, timeoutMs });
  const marginMs = marginOf(grant.ttlMs);
  return new LeaseSession({
    backend,
    runtime,
    renewals,
    grant,
    marginMs,
    deadlineMs: sentAtMs + grant.ttlMs - marginMs,
    renewIntervalMs: renewIntervalMs ?? grant.ttlMs / 3,
  });
}

async function grantLease(backend: CoordinationBackend, ttlMs: number, options: CallOptions): Promise<LeaseGrant> {
  const action = 'opening a session';
  try {
    return await withCoordinationErrors(action, () => backend.grantLease({ ttlMs }, options));
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError)) throw error;
    // Nothing hangs on a lease that nobody knows of: it runs out, and to the caller it is as if it had never been.
    if (options.signal?.aborted === true) throw cancelledBy(options.signal, action);
    throw new ConnectionError(`${action}: no server answered`, { cause: error });
  }
}
