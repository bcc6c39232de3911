/**
 * A lease that is kept alive for as long as its owner means to hold it. What hangs on it (a lock, a registration) is to be
 * trusted only while `isAlive`.
 *
 * Invariant: `isAlive` turns false before the server lets the lease go, by the monotonic clock of this process; it is computed
 * from the clock when asked, so that it is right even after the event loop stood still and no timer could fire.
 */
export interface Session extends AsyncDisposable {
  readonly leaseId: bigint;
  readonly ttlMs: number;
  readonly isAlive: boolean;
  /** What is left by the last confirmed renewal; 0 once lost or closed. */
  readonly remainingMs: number;
  /** Aborts with a `SessionLostError` when the lease can be trusted no more, and with a plain abort when the session is closed. */
  readonly signal: AbortSignal;
  /** Asks the server to renew now; resolves once it has. Rejects with a `SessionLostError` when there is nothing to renew. */
  renew(): Promise<void>;
  /** Revokes the lease, which deletes its keys; idempotent. Resolves when that is done or the lease has certainly expired. */
  close(): Promise<void>;
}

/** The lease of a session can be trusted no more. */
export class SessionLostError extends Error {
  readonly code = 'sessionLost';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SessionLostError';
  }
}
