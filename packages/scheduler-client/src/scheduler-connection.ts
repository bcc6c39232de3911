import type { MethodDefinition, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { backoffMs } from './backoff.ts';
import type { GrpcSchedulerClientConfig } from './grpc-client-config.ts';
import { isSchedulerError, refuseIfAborted, SchedulerError } from './scheduler-error.ts';
import { fromServiceError, refuseHeaderError } from './wire-error.ts';

/** Every answer of the scheduler begins with a header. */
interface Answer {
  readonly header: schedulerpb.ResponseHeader | undefined;
}

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The cluster whose answer counts; undefined while it is not known. */
  readonly clusterId: number | undefined;
  /** Waits, within the deadline, for a connection that is being made again, instead of failing at once. */
  readonly waitForReady?: boolean;
}

/** Largest answer taken: a page of 1,024 regions with long keys. */
const maxAnswerBytes = 32 * 1024 * 1024;

/** Calls to the schedulers of one cluster, one of which is used until it cannot be reached; then the next. */
export class SchedulerConnection {
  readonly #endpoints: readonly string[];
  readonly #clients: Client[];
  readonly #runtime: Runtime;
  readonly #config: GrpcSchedulerClientConfig;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<{ cancel(): void }>();
  #current = 0;

  /** @throws {SchedulerError} with code `invalidArgument` when an endpoint is not `host:port`. */
  constructor(endpoints: readonly string[], runtime: Runtime, config: GrpcSchedulerClientConfig) {
    this.#endpoints = checkEndpoints(endpoints);
    this.#runtime = runtime;
    this.#config = config;
    const options = {
      'grpc.keepalive_time_ms': config.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': config.keepaliveTimeoutMs,
      'grpc.initial_reconnect_backoff_ms': config.backoffInitialMs,
      'grpc.max_reconnect_backoff_ms': config.backoffMaxMs,
      'grpc.max_receive_message_length': maxAnswerBytes,
    };
    this.#clients = this.#endpoints.map((endpoint) => new Client(endpoint, credentials.createInsecure(), options));
  }

  /** The endpoint in use. */
  get endpoint(): string {
    return this.#endpoints[this.#current] as string;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Goes on to the next endpoint. */
  rotate(): void {
    this.#current = (this.#current + 1) % this.#endpoints.length;
  }

  /** Makes one attempt. Rejects with `SchedulerError`; after `unavailable` or `cancelled` it may still take effect. */
  async call<Request, Response extends Answer>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const name = method.path.slice(method.path.lastIndexOf('/') + 1);
    if (this.isClosed) throw new SchedulerError('closed', `${name}: the client is closed`);
    refuseIfAborted(options.signal, name);
    const response = await this.#send(method, name, request, options);
    refuseHeaderError(response.header, options.clusterId, name);
    return response;
  }

  /**
   * Makes a call that may be repeated without harm: up to `maxAttempts` while no scheduler can be reached. The first
   * fails at once on a broken connection, so that the next endpoint is tried; the others wait for theirs.
   */
  async callRepeatedly<Request, Response extends Answer>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.call(method, request, { ...options, waitForReady: failures > 1 });
      } catch (error) {
        if (!isSchedulerError(error, 'unavailable') || failures >= this.#config.maxAttempts) throw error;
        await this.pause(failures, options.signal);
      }
    }
  }

  /** Waits after the `failures`-th failure in a row. @throws {SchedulerError} with code `cancelled` or `closed`. */
  async pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
    const until = AbortSignal.any(signal === undefined ? [this.#closing.signal] : [signal, this.#closing.signal]);
    try {
      await this.#runtime.timers.sleep(backoffMs(failures, this.#config, this.#runtime.random), until);
    } catch (cause) {
      throw this.#stopError('the pause between attempts', signal, cause);
    }
  }

  /** Opens the stream of region heartbeats. */
  openStream<Request, Response>(method: MethodDefinition<Request, Response>): ClientDuplexStream<Request, Response> {
    return this.#client().makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      new Metadata(),
    );
  }

  /** Ends what is under way with `closed`. */
  close(): void {
    if (this.isClosed) return;
    this.#closing.abort();
    for (const call of this.#underWay) call.cancel();
    for (const client of this.#clients) client.close();
  }

  #send<Request, Response>(
    method: MethodDefinition<Request, Response>,
    name: string,
    request: Request,
    { signal, waitForReady = false }: CallOptions,
  ): Promise<Response> {
    const used = this.#current;
    return new Promise((resolve, reject) => {
      const deadline = this.#runtime.clock.wallMs() + this.#config.requestTimeoutMs;
      const call = this.#client().makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata({ waitForReady }),
        { deadline },
        (error, response) => {
          signal?.removeEventListener('abort', cancel);
          this.#underWay.delete(call);
          if (error === null && response !== undefined) {
            resolve(response);
          } else if (this.isClosed || signal?.aborted === true) {
            reject(this.#stopError(name, signal, error));
          } else {
            const failure =
              error === null ? new SchedulerError('unknown', `${name}: no answer`) : fromServiceError(error, name);
            if (failure.code === 'unavailable' && used === this.#current) this.rotate();
            reject(failure);
          }
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      this.#underWay.add(call);
    });
  }

  #client(): Client {
    return this.#clients[this.#current] as Client;
  }

  #stopError(call: string, signal: AbortSignal | undefined, cause: unknown): SchedulerError {
    return signal?.aborted === true
      ? new SchedulerError('cancelled', `${call} was cancelled by the caller`, { cause: signal.reason })
      : new SchedulerError('closed', `${call}: the client was closed`, { cause });
  }
}

function checkEndpoints(endpoints: readonly string[]): readonly string[] {
  if (endpoints.length === 0) throw new SchedulerError('invalidArgument', 'endpoints: at least one is needed');
  for (const endpoint of endpoints) {
    const port = Number(/^(?:[^\s:/[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(endpoint)?.[1]);
    if (!(port >= 1 && port <= 65_535)) {
      throw new SchedulerError('invalidArgument', `endpoints: ${JSON.stringify(endpoint)} is not host:port`);
    }
  }
  return endpoints;
}
