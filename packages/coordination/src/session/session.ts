/**
 * A lease that is kept alive for as long as its owner means to hold it. What hangs on it (a lock, a registration) is to be
 * trusted only while `isAlive`.
 *
 * Invariant: `isAlive` turns false before the server lets the lease go, by the monotonic clock of this process; it is computed
 * from the clock when asked, so that it is right even after the event loop stood still and no timer could fire. Once false,
 * it stays false.
 */
export interface Session extends AsyncDisposable {
  readonly leaseId: bigint;
  /** As the server granted it, which may be more than was asked for. */
  readonly ttlMs: number;
  readonly isAlive: boolean;
  /** What is left by the last confirmed renewal, less a margin for the difference of clocks; 0 once lost or closed. */
  readonly remainingMs: number;
  /** Aborts with a `SessionLostError` when the lease can be trusted no more, and with a plain abort when the session is closed. */
  readonly signal: AbortSignal;
  /**
   * Asks the server to renew now; resolves once it has, tried again until then. Rejects with a `SessionLostError` when there is
   * nothing to renew, and with a `CancelledError` when `signal` aborts, which leaves the session as it is.
   */
  renew(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Revokes the lease, which deletes its keys; idempotent. Resolves when that is done, or when no server could be asked for a
   * whole ttl, so that the lease runs out by itself. When `signal` aborts it rejects with a `CancelledError`, and the lease is
   * revoked unheard; it rejects with a `ClosedError` when the backend was closed before, which leaves the lease to run out.
   */
  close(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** The lease of a session can be trusted no more. */
export class SessionLostError extends Error {
  readonly code = 'sessionLost';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SessionLostError';
  }
}
