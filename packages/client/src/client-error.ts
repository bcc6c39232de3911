import type { errorpb } from '@flotilla/protocol';

/**
 * How a call ended that did not succeed. All but `outcomeUnknown` promise that a write took no effect.
 *
 * - `invalidArgument`: the call itself is wrong; no retry can help.
 * - `cancelled`: the caller's signal aborted.
 * - `deadlineExceeded`: the time was over before any answer came.
 * - `unavailable`: no store, or no scheduler, could be reached in time.
 * - `regionError`: a store answered, and refused for a reason that did not pass in time, such as a region without leader.
 * - `rejected`: a store answered with an error that retrying does not change.
 * - `outcomeUnknown`: the write was sent, and nobody knows whether it took, or will yet take, effect.
 * - `batchIncomplete`: some writes of a batch did not succeed.
 * - `closed`: the client was closed.
 */
export type ClientErrorCode =
  | 'invalidArgument'
  | 'cancelled'
  | 'deadlineExceeded'
  | 'unavailable'
  | 'regionError'
  | 'rejected'
  | 'outcomeUnknown'
  | 'batchIncomplete'
  | 'closed';

/** A call of the client that failed; `cause` holds what it failed of last. */
export abstract class ClientError extends Error {
  abstract readonly code: ClientErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The call is wrong, and was not sent or was refused; nothing has changed. */
export class InvalidArgumentError extends ClientError {
  readonly code = 'invalidArgument';
}

/** The caller's signal aborted before a write was sent, or during a read. */
export class CancelledError extends ClientError {
  readonly code = 'cancelled';
}

/** The time was over before any answer came; a write was not sent, or certainly took no effect. */
export class DeadlineExceededError extends ClientError {
  readonly code = 'deadlineExceeded';
}

/** No store that could answer, or no scheduler, was reached in time. */
export class UnavailableError extends ClientError {
  readonly code = 'unavailable';
}

/** A store refused until the time was over. */
export class RegionRefusalError extends ClientError {
  readonly code = 'regionError';
  /** The last refusal. */
  readonly regionError: errorpb.Error;

  constructor(message: string, regionError: errorpb.Error, options?: ErrorOptions) {
    super(message, options);
    this.regionError = regionError;
  }
}

/** A store answered with an error that retrying does not change. */
export class RejectedError extends ClientError {
  readonly code = 'rejected';
}

/** The write was sent and nobody knows its outcome: it may have taken effect, may yet do so, or never will. */
export class OutcomeUnknownError extends ClientError {
  readonly code = 'outcomeUnknown';
}

/** The client was closed. */
export class ClosedError extends ClientError {
  readonly code = 'closed';
}

/** One write of a batch that did not succeed. */
export interface BatchFailure {
  /** Its place in the input, from 0. */
  readonly index: number;
  readonly error: ClientError;
}

/**
 * A batch of which some writes did not succeed. Each with an index below `begun` is among `failures` or has succeeded; those
 * from there on were never sent.
 */
export class BatchIncompleteError extends ClientError {
  readonly code = 'batchIncomplete';
  /** Writes that succeeded. */
  readonly succeeded: number;
  /** Writes that failed, by their own errors; those with code `outcomeUnknown` may have taken effect. */
  readonly failures: readonly BatchFailure[];
  /** Writes that were begun: the first ones of the input. */
  readonly begun: number;

  constructor(succeeded: number, failures: readonly BatchFailure[], begun: number) {
    const first = failures[0];
    super(`${failures.length} of a batch's writes failed after ${succeeded} had succeeded: ${first?.error.message}`, {
      cause: first?.error,
    });
    this.succeeded = succeeded;
    this.failures = failures;
    this.begun = begun;
  }
}
