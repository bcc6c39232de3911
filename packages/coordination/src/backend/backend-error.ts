/**
 * How a call of a backend ended that did not succeed. All but `outcomeUnknown` promise that nothing was changed.
 *
 * - `invalidArgument`: the request itself is wrong: an empty key, too many operations, the same key put twice.
 * - `keyNotFound`: `keepValue` or `keepLease` of a key that is not there.
 * - `leaseNotFound`: the lease never was, was revoked, or has expired.
 * - `leaseExists`: a grant of an id that is taken.
 * - `compacted`: the revision asked for is compacted; `revision` has the oldest that is left.
 * - `futureRevision`: the revision asked for is yet to come.
 * - `unauthenticated`, `permissionDenied`: user, password or rights are not enough.
 * - `noSpace`: the server is full.
 * - `unavailable`: no server could be reached in time, or none leads.
 * - `timeout`: the time was over; a write was not sent, or certainly took no effect.
 * - `outcomeUnknown`: the write was sent, and nobody knows whether it took, or will yet take, effect.
 * - `cancelled`: the caller's signal aborted before a write was sent, or during a read.
 * - `closed`: the backend was closed.
 */
export type BackendErrorCode =
  | 'invalidArgument'
  | 'keyNotFound'
  | 'leaseNotFound'
  | 'leaseExists'
  | 'compacted'
  | 'futureRevision'
  | 'unauthenticated'
  | 'permissionDenied'
  | 'noSpace'
  | 'unavailable'
  | 'timeout'
  | 'outcomeUnknown'
  | 'cancelled'
  | 'closed';

/** A call of a backend that failed; `cause` holds what it failed of. */
export class BackendError extends Error {
  readonly code: BackendErrorCode;
  /** With `compacted`: the oldest revision that can be read. */
  readonly revision: bigint | undefined;

  constructor(code: BackendErrorCode, message: string, options: ErrorOptions & { readonly revision?: bigint } = {}) {
    super(message, options);
    this.name = 'BackendError';
    this.code = code;
    this.revision = options.revision;
  }
}
