/**
 * Why a call to the scheduler failed.
 *
 * - `notBootstrapped`, `alreadyBootstrapped`: the cluster's life has not begun, or has begun already.
 * - `storeTombstone`: the store was removed from the cluster for good.
 * - `regionNotFound`: no region is known under this id or at this key.
 * - `clusterIdMismatch`: this scheduler serves another cluster; no retry can help.
 * - `invalidArgument`: the request itself is wrong; nothing was changed.
 * - `impossible`: an order that cannot be carried out as the cluster stands; nothing was changed.
 * - `unavailable`: no scheduler could be reached in time; the call may or may not have taken effect.
 * - `cancelled`: the caller's signal aborted; the call may or may not have taken effect.
 * - `closed`: the client was closed.
 * - `unknown`: the scheduler failed in a way that has no code of its own; the message tells.
 */
export type SchedulerErrorCode =
  | 'notBootstrapped'
  | 'alreadyBootstrapped'
  | 'storeTombstone'
  | 'regionNotFound'
  | 'clusterIdMismatch'
  | 'invalidArgument'
  | 'impossible'
  | 'unavailable'
  | 'cancelled'
  | 'closed'
  | 'unknown';

/** A failed call to the scheduler. */
export class SchedulerError extends Error {
  readonly code: SchedulerErrorCode;

  constructor(code: SchedulerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchedulerError';
    this.code = code;
  }
}

/** Whether `error` is a `SchedulerError` of this code. */
export function isSchedulerError(error: unknown, code: SchedulerErrorCode): error is SchedulerError {
  return error instanceof SchedulerError && error.code === code;
}

/**
 * Refuses to go on once the caller has given up.
 *
 * @throws {SchedulerError} with code `cancelled`.
 */
export function refuseIfAborted(signal: AbortSignal | undefined, call: string): void {
  if (signal?.aborted === true) {
    throw new SchedulerError('cancelled', `${call} was cancelled by the caller`, { cause: signal.reason });
  }
}
