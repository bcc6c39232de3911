import { BackendError } from './backend/backend-error.ts';

/**
 * How a call of registry, locks or configuration ended that did not succeed. All but `outcomeUnknown` promise that nothing was
 * changed.
 *
 * - `connection`: the backend could not be reached in time, did not let us in, or has no room.
 * - `validation`: the call itself is wrong, or a value is refused; the message names the field.
 * - `conflict`: somebody else was first: another version is stored, or the lock is held.
 * - `timeout`: the time was over.
 * - `outcomeUnknown`: the write was sent, and nobody knows whether it took, or will yet take, effect.
 * - `cancelled`: the caller's signal aborted.
 * - `closed`: the coordinator, or what the call was made on, was closed.
 */
export type CoordinationErrorCode =
  | 'connection'
  | 'validation'
  | 'conflict'
  | 'timeout'
  | 'outcomeUnknown'
  | 'cancelled'
  | 'closed';

/** A call of registry, locks or configuration that failed; `cause` holds what it failed of. */
export abstract class CoordinationError extends Error {
  abstract readonly code: CoordinationErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The backend could not be reached in time, refused user, password or rights, or has no room; nothing has changed. */
export class ConnectionError extends CoordinationError {
  readonly code = 'connection';
}

/** The call is wrong, or a value does not fit its schema; nothing has changed. */
export class ValidationError extends CoordinationError {
  readonly code = 'validation';
}

/** What the call relied on is not so: another version is stored, the lock is held, a lease is gone; nothing has changed. */
export class ConflictError extends CoordinationError {
  readonly code = 'conflict';
}

/** The time was over; a write was not sent, or certainly took no effect. */
export class TimeoutError extends CoordinationError {
  readonly code = 'timeout';
}

/** The write was sent and nobody knows its outcome: it may have taken effect, may yet do so, or never will. */
export class OutcomeUnknownError extends CoordinationError {
  readonly code = 'outcomeUnknown';
}

/** The caller's signal aborted before a write was sent, or during a read or a wait. */
export class CancelledError extends CoordinationError {
  readonly code = 'cancelled';
}

/** The coordinator, or what the call was made on, was closed. */
export class ClosedError extends CoordinationError {
  readonly code = 'closed';
}

/**
 * The error to give to callers for one of a backend, with the backend's as `cause`.
 *
 * @param action What failed, for the message: "reading a value of configuration".
 */
export function coordinationErrorOf(error: BackendError, action: string): CoordinationError {
  const message = `${action}: ${error.message}`;
  const options = { cause: error };
  switch (error.code) {
    case 'invalidArgument':
    case 'futureRevision':
      return new ValidationError(message, options);
    case 'keyNotFound':
    case 'leaseNotFound':
    case 'leaseExists':
    case 'compacted':
      return new ConflictError(message, options);
    case 'unauthenticated':
    case 'permissionDenied':
    case 'noSpace':
    case 'unavailable':
      return new ConnectionError(message, options);
    case 'timeout':
      return new TimeoutError(message, options);
    case 'outcomeUnknown':
      return new OutcomeUnknownError(message, options);
    case 'cancelled':
      return new CancelledError(message, options);
    case 'closed':
      return new ClosedError(message, options);
    default:
      return error.code satisfies never;
  }
}

/**
 * Runs a call of a backend; a `BackendError` becomes a `CoordinationError`, and every other error is left as it is.
 *
 * @param action What is being done, for the message.
 */
export async function withCoordinationErrors<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof BackendError ? coordinationErrorOf(error, action) : error;
  }
}
