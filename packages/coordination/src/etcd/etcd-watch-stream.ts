import type { Runtime } from '@flotilla/runtime';
import type { IWatchRequest, IWatchResponse } from 'etcd3';
import { onAbort } from './call-scope.ts';
import type { EtcdStream } from './etcd-connection.ts';

/** Responses that may wait for the reader before the server has to. */
const roomForResponses = 8;

/** What came next on a stream: a response, nothing within the time, or nothing because the reader was woken. */
export type Received = IWatchResponse | 'nothing' | 'woken';

/**
 * A watch stream as one reader sees it: responses are fetched, not pushed, and while nobody fetches the flow control of HTTP/2
 * holds the server back.
 */
export class EtcdWatchStream {
  readonly #stream: EtcdStream<IWatchRequest, IWatchResponse>;
  readonly #runtime: Runtime;
  readonly #responses: IWatchResponse[] = [];
  #ended: { readonly error: unknown } | undefined;
  #woken = false;
  #wake: () => void = () => undefined;

  constructor(stream: EtcdStream<IWatchRequest, IWatchResponse>, runtime: Runtime) {
    this.#stream = stream;
    this.#runtime = runtime;
    stream.call.on('data', (response: IWatchResponse) => {
      this.#responses.push(response);
      if (this.#responses.length >= roomForResponses) stream.call.pause();
      this.#wake();
    });
    stream.call.on('error', (error) => this.#end(error));
    stream.call.on('end', () => this.#end({ code: 14, details: 'the server ended the watch stream' }));
  }

  send(request: IWatchRequest): void {
    if (this.#ended === undefined) this.#stream.call.write(request);
  }

  /** Has the `receive` that is under way, or else the next one, come back with `woken`. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /**
   * The next response. Rejects with the error that the stream ended with, once all that came before it was fetched, and with
   * the signal's reason.
   */
  async receive(timeoutMs: number, signal: AbortSignal): Promise<Received> {
    if (this.#responses.length === 0 && this.#ended === undefined && !this.#woken) {
      await this.#something(timeoutMs, signal);
    }
    signal.throwIfAborted();
    if (this.#woken) {
      this.#woken = false;
      return 'woken';
    }
    const response = this.#responses.shift();
    if (response === undefined) {
      if (this.#ended !== undefined) throw this.#ended.error;
      return 'nothing';
    }
    if (this.#responses.length === 0) this.#stream.call.resume();
    return response;
  }

  close(): void {
    this.#ended ??= { error: new Error('the stream is closed') };
    this.#stream.call.cancel();
  }

  #end(error: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }

  #something(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        unlisten();
        this.#wake = () => undefined;
        resolve();
      };
      const timer = this.#runtime.timers.after(timeoutMs, done);
      const unlisten = onAbort(signal, () => this.#runtime.timers.defer(done));
      this.#wake = done;
    });
  }
}
