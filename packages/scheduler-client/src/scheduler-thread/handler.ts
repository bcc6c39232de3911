import type { schedulerpb } from '@flotilla/protocol';
import { assert, type Runtime, unreachable } from '@flotilla/runtime';
import { GrpcSchedulerClient, type GrpcSchedulerClientOptions } from '../grpc-scheduler-client.ts';
import type { SchedulerClient } from '../scheduler-client.ts';
import { isSchedulerError } from '../scheduler-error.ts';
import type { FromSchedulerThread, SchedulerCall, SchedulerThreadData, ToSchedulerThread } from './message.ts';
import { withOwnBytes } from './own-bytes.ts';
import { performCall } from './perform-call.ts';
import { flattenSchedulerError } from './thread-error.ts';

/** What the handler needs. */
export interface SchedulerThreadHandlerOptions {
  readonly data: SchedulerThreadData;
  readonly runtime: Runtime;
  readonly post: (message: FromSchedulerThread) => void;
}

/** The thread's side of a scheduler client: owns the gRPC client and makes the calls it is told of. */
export class SchedulerThreadHandler {
  readonly #options: SchedulerThreadHandlerOptions;
  readonly #closing = new AbortController();
  readonly #underWay = new Map<number, AbortController>();
  #client: SchedulerClient | undefined;
  /** At most one for each heartbeat that was sent, so that the client's bound on those bounds these. */
  #responses: schedulerpb.RegionHeartbeatResponse[] = [];

  constructor(options: SchedulerThreadHandlerOptions) {
    this.#options = options;
  }

  /** Makes the client; without a known cluster it tries until a scheduler is reached. */
  async start(): Promise<void> {
    const { endpoints, config, clusterId } = this.#options.data;
    const { post, runtime } = this.#options;
    const options: GrpcSchedulerClientOptions = { endpoints, config, runtime, signal: this.#closing.signal };
    while (this.#client === undefined && !this.#closing.signal.aborted) {
      try {
        this.#use(
          clusterId === undefined
            ? await GrpcSchedulerClient.connect(options)
            : GrpcSchedulerClient.resume(options, clusterId),
        );
      } catch (error) {
        const isUnreached = isSchedulerError(error, 'unavailable');
        post({ type: isUnreached ? 'unreached' : 'refused', error: flattenSchedulerError(error) });
        if (!isUnreached) return;
      }
    }
  }

  handle(message: ToSchedulerThread): void {
    switch (message.type) {
      case 'call':
        void this.#call(message.id, message.call);
        return;
      case 'cancel':
        this.#underWay.get(message.id)?.abort();
        return;
      case 'heartbeats':
        for (const heartbeat of message.heartbeats) this.#requireClient().regionHeartbeat(heartbeat);
        this.#options.post({ type: 'taken' });
        return;
      case 'ping':
        this.#options.post({ type: 'pong' });
        return;
      case 'close':
        void this.#close();
        return;
      default:
        unreachable(message, 'message to the scheduler thread');
    }
  }

  #use(client: SchedulerClient): void {
    this.#client = client;
    client.regionHeartbeatResponses.subscribe((response) => this.#collect(response));
    this.#options.post({ type: 'ready', clusterId: client.clusterId });
  }

  async #call(id: number, call: SchedulerCall): Promise<void> {
    const { post } = this.#options;
    const controller = new AbortController();
    this.#underWay.set(id, controller);
    try {
      const answer = await performCall(this.#requireClient(), call, controller.signal);
      post({ type: 'answered', id, answer: withOwnBytes(answer) });
    } catch (error) {
      post({ type: 'failed', id, error: flattenSchedulerError(error) });
    } finally {
      this.#underWay.delete(id);
    }
  }

  /** What arrives together is sent together. */
  #collect(response: schedulerpb.RegionHeartbeatResponse): void {
    if (this.#responses.push(response) > 1) return;
    this.#options.runtime.timers.defer(() => {
      const responses = this.#responses;
      this.#responses = [];
      this.#options.post({ type: 'responses', responses: withOwnBytes(responses) });
    });
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.close();
    this.#options.post({ type: 'closed' });
  }

  #requireClient(): SchedulerClient {
    assert(this.#client !== undefined, 'the scheduler thread is told of work after it is ready');
    return this.#client;
  }
}
