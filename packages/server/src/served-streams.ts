import type { MethodDefinition } from '@flotilla/protocol';
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { checkCluster } from './cluster-header.ts';
import { type CallContext, decodeRequest } from './grpc-service.ts';
import { RequestError, statusOf } from './request-error.ts';

/** What a stream of answers is read from, at the pace of its reader. */
export interface LocalStream<Message> {
  /** The next message, once there is one; `undefined` at the end, and never after that. One call at a time. */
  next(): Promise<Message | undefined>;
  /** Once it has ended: whether it was cut off, and may go on elsewhere. */
  readonly isCutOff: boolean;
  /** Ends it; a `next` that waits resolves with `undefined`. */
  close(): void;
}

type Call<Response> = ServerWritableStream<Buffer, Response>;

/** Serves methods with one request and a stream of answers: each is asked for when the one before has got away. */
export class ServedStreams {
  readonly #context: CallContext;
  readonly #open = new Set<LocalStream<unknown>>();
  #isDraining = false;

  constructor(context: CallContext) {
    this.#context = context;
  }

  /** Serves a method by the streams that `open` makes; what it throws becomes the call's status. */
  serve<Request, Response>(
    method: MethodDefinition<Request, Response>,
    open: (request: Request) => LocalStream<Response>,
  ): handleServerStreamingCall<Buffer, Response> {
    const { logger, nowMs, observe } = this.#context;
    return (call) => {
      const startMs = nowMs();
      // Without a listener, the error of a call whose caller has gone would end the process.
      call.on('error', () => {});
      const begin = (): LocalStream<Response> => open(decodeRequest(method.requestDeserialize, call.request));
      this.#run(call, begin).then(
        () => {
          observe(method.path, 0, nowMs() - startMs);
          call.end();
        },
        (error: unknown) => {
          const status = statusOf(error);
          observe(method.path, status.code, nowMs() - startMs);
          if (status.details.startsWith('internal error'))
            logger.error('a stream failed', { path: method.path, error });
          if (!call.cancelled) call.emit('error', status);
        },
      );
    };
  }

  /** Cuts every stream off, so that the server can shut down. */
  drain(): void {
    this.#isDraining = true;
    for (const stream of [...this.#open]) stream.close();
  }

  async #run<Response>(call: Call<Response>, begin: () => LocalStream<Response>): Promise<void> {
    const { clusterId, maxRequestBytes } = this.#context;
    if (clusterId !== undefined) checkCluster(call.metadata, clusterId);
    const { length } = call.request;
    if (length > maxRequestBytes) {
      throw new RequestError('invalidArgument', `request: ${length} bytes, the limit is ${maxRequestBytes}`);
    }
    if (this.#isDraining) throw new RequestError('unavailable', 'the store is shutting down');
    const stream = begin();
    this.#open.add(stream);
    const gone = (): void => stream.close();
    call.on('cancelled', gone);
    call.on('close', gone);
    try {
      await forward(stream, call);
    } finally {
      this.#open.delete(stream);
      stream.close();
    }
    if (call.cancelled) throw new RequestError('cancelled', 'the reader has gone');
    if (this.#isDraining) throw new RequestError('unavailable', 'the store is shutting down');
    if (stream.isCutOff) throw new RequestError('unavailable', 'the stream may go on elsewhere');
  }
}

async function forward<Response>(stream: LocalStream<Response>, call: Call<Response>): Promise<void> {
  for (let message = await stream.next(); message !== undefined; message = await stream.next()) {
    if (!isWritable(call)) return;
    if (!call.write(message)) await writable(call);
  }
}

function isWritable(call: Call<never> | Call<unknown>): boolean {
  return !call.cancelled && !call.writableEnded && !call.destroyed;
}

/** Resolves when the stream takes more, or will never again. */
function writable(call: Call<never> | Call<unknown>): Promise<void> {
  if (!isWritable(call)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'cancelled'] as const) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'cancelled'] as const) call.on(event, done);
  });
}
