import { schedulerpb } from '@flotilla/protocol';
import { type ServiceError, status } from '@grpc/grpc-js';
import { SchedulerError, type SchedulerErrorCode } from './scheduler-error.ts';

/**
 * Refuses an answer that tells of an error, or that another cluster gave.
 *
 * @throws {SchedulerError} with the code that the header tells.
 */
export function refuseHeaderError(
  header: schedulerpb.ResponseHeader | undefined,
  clusterId: number | undefined,
  call: string,
): void {
  if (header === undefined) return;
  if (clusterId !== undefined && header.clusterId !== 0 && header.clusterId !== clusterId) {
    const message = `${call}: this scheduler serves cluster ${header.clusterId}, not ${clusterId}`;
    throw new SchedulerError('clusterIdMismatch', message);
  }
  const { error } = header;
  if (error === undefined || error.type === schedulerpb.ErrorType.OK) return;
  throw new SchedulerError(codeOf(error.type), `${call}: ${error.message}`);
}

/** What a failed gRPC call means to the caller. */
export function fromServiceError(error: ServiceError, call: string): SchedulerError {
  const message = `${call}: ${error.details || error.message}`;
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
      return new SchedulerError('unavailable', message, { cause: error });
    case status.FAILED_PRECONDITION:
      return new SchedulerError('impossible', message, { cause: error });
    case status.INVALID_ARGUMENT:
      return new SchedulerError('invalidArgument', message, { cause: error });
    default:
      return new SchedulerError('unknown', message, { cause: error });
  }
}

function codeOf(type: schedulerpb.ErrorType): SchedulerErrorCode {
  switch (type) {
    case schedulerpb.ErrorType.NOT_BOOTSTRAPPED:
      return 'notBootstrapped';
    case schedulerpb.ErrorType.ALREADY_BOOTSTRAPPED:
      return 'alreadyBootstrapped';
    case schedulerpb.ErrorType.STORE_TOMBSTONE:
      return 'storeTombstone';
    case schedulerpb.ErrorType.REGION_NOT_FOUND:
      return 'regionNotFound';
    default:
      return 'unknown';
  }
}
