import { type Codec, type MethodDefinition, schedulerpb } from '@flotilla/protocol';
import type { SchedulerCore } from '@flotilla/scheduler';
import { SchedulerError, type SchedulerErrorCode } from '@flotilla/scheduler-client';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { type CallContext, serveUnary } from './grpc-service.ts';
import { RequestError } from './request-error.ts';

/** Every request to the scheduler names the cluster that it is meant for. */
export interface SchedulerRequest {
  readonly header: schedulerpb.RequestHeader | undefined;
}

/** Every answer of the scheduler begins with a header. */
export interface SchedulerAnswer {
  readonly header: schedulerpb.ResponseHeader | undefined;
}

/** Makes the handler of one single-request method from what it does with the request. */
export type ServeSchedulerCall = <Request extends SchedulerRequest, Response extends SchedulerAnswer>(
  method: MethodDefinition<Request, Response>,
  codec: Codec<Response>,
  handle: (request: Request) => Promise<Partial<Response>>,
) => handleUnaryCall<Buffer, Response>;

/**
 * Serves the methods of `core`: refuses requests that are meant for another cluster, and tells of an expected failure in
 * the answer's header.
 */
export function schedulerCalls(core: SchedulerCore, context: CallContext): ServeSchedulerCall {
  return (method, codec, handle) =>
    serveUnary(method, context, async (request) => {
      try {
        refuseOtherCluster(core.clusterId, request.header);
        return codec.create({ ...(await handle(request)), header: { clusterId: core.clusterId, error: undefined } });
      } catch (error) {
        // A failure has none of the other fields, which is what the codec's defaults say.
        return codec.create({ header: failureHeader(core.clusterId, error) } as Parameters<typeof codec.create>[0]);
      }
    });
}

/**
 * Refuses a request that is meant for another cluster.
 *
 * @throws {SchedulerError} with code `clusterIdMismatch`.
 */
export function refuseOtherCluster(clusterId: number, header: schedulerpb.RequestHeader | undefined): void {
  const meant = header?.clusterId ?? 0;
  if (meant === clusterId) return;
  throw new SchedulerError(
    'clusterIdMismatch',
    `the request is for cluster ${meant}; this scheduler serves ${clusterId}`,
  );
}

/**
 * The header that tells of a failure.
 *
 * @throws {RequestError} with code `invalidArgument` when the request itself was wrong, `failedPrecondition` when the
 * order is impossible as things stand; whatever is no `SchedulerError`.
 */
export function failureHeader(clusterId: number, error: unknown): schedulerpb.ResponseHeader {
  if (!(error instanceof SchedulerError)) throw error;
  if (error.code === 'invalidArgument') throw new RequestError('invalidArgument', error.message, { cause: error });
  if (error.code === 'impossible') throw new RequestError('failedPrecondition', error.message, { cause: error });
  return { clusterId, error: { type: typeOf(error.code), message: error.message } };
}

/** @throws {SchedulerError} with code `invalidArgument` when the field is not set. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new SchedulerError('invalidArgument', `${field}: missing`);
  return value;
}

function typeOf(code: SchedulerErrorCode): schedulerpb.ErrorType {
  switch (code) {
    case 'notBootstrapped':
      return schedulerpb.ErrorType.NOT_BOOTSTRAPPED;
    case 'alreadyBootstrapped':
      return schedulerpb.ErrorType.ALREADY_BOOTSTRAPPED;
    case 'storeTombstone':
      return schedulerpb.ErrorType.STORE_TOMBSTONE;
    case 'regionNotFound':
      return schedulerpb.ErrorType.REGION_NOT_FOUND;
    default:
      return schedulerpb.ErrorType.UNKNOWN;
  }
}
