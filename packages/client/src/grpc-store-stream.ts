import type { MethodDefinition } from '@flotilla/protocol';
import { type Client, type ClientReadableStream, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { failedOutcome } from './call-failure.ts';
import type { StoreStream, StreamEvent } from './store-channels.ts';

/** How a stream is opened. */
export interface GrpcStoreStreamOptions<Request, Response> {
  readonly method: MethodDefinition<Request, Response>;
  readonly request: Request;
  readonly metadata: Metadata;
  /** Gives the connection, once it stands. */
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  /** Hears that the store could not be reached, or was lost. */
  readonly onLost: () => void;
}

type End = Exclude<StreamEvent<never>, { type: 'message' }>;

/** A stream of answers over gRPC, paused while nobody reads: HTTP/2 then tells the store to wait. */
export class GrpcStoreStream<Request, Response> implements StoreStream<Response> {
  readonly #options: GrpcStoreStreamOptions<Request, Response>;
  readonly #closing = new AbortController();
  #call: ClientReadableStream<Response> | undefined;
  #messages: Response[] = [];
  #end: End | undefined;
  #waiting: (() => void) | undefined;

  constructor(options: GrpcStoreStreamOptions<Request, Response>) {
    this.#options = options;
    void this.#open();
  }

  async next(): Promise<StreamEvent<Response>> {
    while (true) {
      const message = this.#messages.shift();
      if (message !== undefined) return { type: 'message', message };
      if (this.#end !== undefined) return this.#end;
      this.#call?.resume();
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  close(): void {
    this.#messages = [];
    this.#closing.abort(new Error('the stream was closed'));
    this.#call?.cancel();
    this.#finish({ type: 'broken', cause: this.#closing.signal.reason });
  }

  async #open(): Promise<void> {
    const { connect, metadata, method, onLost, request } = this.#options;
    const { signal } = this.#closing;
    let client: Client;
    try {
      client = await connect(signal);
    } catch (cause) {
      if (!signal.aborted) onLost();
      this.#finish({ type: 'broken', cause });
      return;
    }
    if (signal.aborted) return;
    const { path, requestSerialize, responseDeserialize } = method;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
    this.#call = call;
    call.on('data', (message: Response) => {
      if (signal.aborted) return;
      this.#messages.push(message);
      call.pause();
      this.#wake();
    });
    call.on('error', (error: ServiceError) => {
      if (!signal.aborted && error.code !== status.CANCELLED) onLost();
      this.#finish(endOf(error));
    });
    call.on('end', () => this.#finish({ type: 'ended' }));
    if (this.#waiting === undefined) call.pause();
  }

  /** The first end counts: grpc-js tells of an error after it has told of the end of the data. */
  #finish(end: End): void {
    if (this.#end === undefined || (this.#end.type === 'ended' && end.type !== 'ended')) this.#end = end;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

/** A refusal as such stays one; all else another store may serve. */
function endOf(error: ServiceError): End {
  const outcome = failedOutcome(error);
  return outcome.type === 'refused' ? outcome : { type: 'broken', cause: error };
}
