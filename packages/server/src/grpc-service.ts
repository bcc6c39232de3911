import type { MethodDefinition } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import type {
  handleClientStreamingCall,
  handleUnaryCall,
  ServerReadableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { checkCluster } from './cluster-header.ts';
import { RequestError, statusOf } from './request-error.ts';

/** A service that a gRPC server can serve. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Ends calls that would go on for ever, so that a shutdown need not cut them off. */
  drain?(): void;
}

/** Hears of each finished call: its method's path, its gRPC status code and how long it took. */
export type CallObserver = (path: string, statusCode: number, durationMs: number) => void;

/** What every handler needs to answer calls. */
export interface CallContext {
  readonly logger: Logger;
  /** When given, a caller that names another cluster is refused; naming none is accepted. */
  readonly clusterId?: number;
  /** The longest encoded request of a single-request call. */
  readonly maxRequestBytes: number;
  readonly nowMs: () => number;
  readonly observe: CallObserver;
}

/** Answers one request. Commands run to their end even when their caller has gone: there is nothing in them to take back. */
export type UnaryHandler<Request, Response> = (request: Request) => Promise<Response>;

/**
 * A method whose requests reach the handler as bytes: decoding happens where its failure can be answered with a status of
 * our choice, while grpc-js answers a failing deserializer with `INTERNAL`.
 */
export function undecoded<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Buffer, Response> {
  return { ...method, requestSerialize: (bytes) => bytes, requestDeserialize: (bytes) => bytes };
}

/**
 * Decodes what a caller sent.
 *
 * @throws {RequestError} with code `invalidArgument` when the bytes are not the message they should be.
 */
export function decodeRequest<Request>(decode: (bytes: Buffer) => Request, bytes: Buffer): Request {
  try {
    return decode(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RequestError('invalidArgument', `malformed message: ${reason}`, { cause });
  }
}

/** Serves a single-request method: checks the request's size, decodes it, and turns what the handler throws into a status. */
export function serveUnary<Request, Response>(
  method: MethodDefinition<Request, Response>,
  context: CallContext,
  handler: UnaryHandler<Request, Response>,
): handleUnaryCall<Buffer, Response> {
  const { clusterId, logger, maxRequestBytes, nowMs, observe } = context;
  return (call, callback) => {
    const startMs = nowMs();
    answer(call.request).then(
      (response) => {
        observe(method.path, 0, nowMs() - startMs);
        callback(null, response);
      },
      (error: unknown) => {
        const status = statusOf(error);
        observe(method.path, status.code, nowMs() - startMs);
        logUnforeseen(logger, method.path, error);
        callback(status);
      },
    );

    async function answer(bytes: Buffer): Promise<Response> {
      if (clusterId !== undefined) checkCluster(call.metadata, clusterId);
      if (bytes.length > maxRequestBytes) {
        throw new RequestError('invalidArgument', `request: ${bytes.length} bytes, the limit is ${maxRequestBytes}`);
      }
      return handler(decodeRequest(method.requestDeserialize, bytes));
    }
  };
}

/** A method that this server knows of and does not offer. */
export function serveUnimplemented<Request, Response>(
  method: MethodDefinition<Request, Response>,
  context: CallContext,
  message: string,
): handleUnaryCall<Buffer, Response> {
  return serveUnary(method, context, async () => {
    throw new RequestError('unimplemented', message);
  });
}

/**
 * The requests of one call, as bytes; iterated over, they come at the pace at which they are taken.
 * The end of a sender that was cut off looks like the end of one that has finished.
 */
export interface RequestStream extends AsyncIterable<Buffer> {
  /**
   * Hands each request to `handle` as soon as it is there. Resolves when the sender ends, rejects when it is gone, when
   * the stream is stopped, or with what `handle` throws. Cheaper than iteration where nothing is waited for.
   */
  forEach(handle: (bytes: Buffer) => void): Promise<void>;
  /** Ends the stream here: whoever reads it gets `error`. */
  stop(error: RequestError): void;
}

/** Serves a method with a stream of requests and one response. */
export function serveClientStream<Request, Response>(
  method: MethodDefinition<Request, Response>,
  context: CallContext,
  handler: (requests: RequestStream) => Promise<Response>,
): handleClientStreamingCall<Buffer, Response> {
  const { clusterId, logger, nowMs, observe } = context;
  return (call, callback) => {
    const startMs = nowMs();
    // Without a listener, an error of a stream that nobody reads any more would end the process.
    call.on('error', () => {});
    const requests = requestStream(call);
    const answer = async (): Promise<Response> => {
      if (clusterId !== undefined) checkCluster(call.metadata, clusterId);
      return handler(requests);
    };
    answer().then(
      (response) => {
        observe(method.path, 0, nowMs() - startMs);
        callback(null, response);
      },
      (error: unknown) => {
        const status = statusOf(
          call.cancelled ? new RequestError('cancelled', 'the sender has gone', { cause: error }) : error,
        );
        observe(method.path, status.code, nowMs() - startMs);
        if (!call.cancelled) logUnforeseen(logger, method.path, error);
        callback(status);
      },
    );
  };
}

function requestStream(call: ServerReadableStream<Buffer, unknown>): RequestStream {
  return {
    [Symbol.asyncIterator]: () => call[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    forEach: (handle) =>
      new Promise((resolve, reject) => {
        call.on('data', (bytes: Buffer) => {
          try {
            handle(bytes);
          } catch (error) {
            call.pause();
            reject(error);
          }
        });
        call.on('end', resolve);
        call.on('error', reject);
        call.on('close', () => reject(new RequestError('cancelled', 'the sender has gone')));
      }),
    stop: (error) => {
      call.destroy(error);
    },
  };
}

function logUnforeseen(logger: Logger, path: string, error: unknown): void {
  if (statusOf(error).details.startsWith('internal error')) logger.error('a call failed', { path, error });
}
