import { status } from '@grpc/grpc-js';

/** Why a call was refused or given up; each has one gRPC status. */
export type RequestErrorCode =
  | 'invalidArgument'
  | 'failedPrecondition'
  | 'resourceExhausted'
  | 'unimplemented'
  | 'unavailable'
  | 'deadlineExceeded'
  | 'cancelled'
  | 'internal';

/** A call that ends with a status rather than with an answer. Its message goes to the caller as it is. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;

  constructor(code: RequestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RequestError';
    this.code = code;
  }
}

/** A gRPC status with its text. */
export interface CallStatus {
  readonly code: status;
  readonly details: string;
}

const statusOfCode: Readonly<Record<RequestErrorCode, status>> = {
  invalidArgument: status.INVALID_ARGUMENT,
  failedPrecondition: status.FAILED_PRECONDITION,
  resourceExhausted: status.RESOURCE_EXHAUSTED,
  unimplemented: status.UNIMPLEMENTED,
  unavailable: status.UNAVAILABLE,
  deadlineExceeded: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
};

/** The gRPC status that tells a caller of `error`; an error that nobody foresaw is `INTERNAL` with its code, if it has one. */
export function statusOf(error: unknown): CallStatus {
  if (error instanceof RequestError) return { code: statusOfCode[error.code], details: error.message };
  const code = (error as { readonly code?: unknown } | null)?.code;
  return { code: status.INTERNAL, details: typeof code === 'string' ? `internal error: ${code}` : 'internal error' };
}
