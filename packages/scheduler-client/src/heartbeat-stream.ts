import { schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { backoffMs } from './backoff.ts';
import type { GrpcSchedulerClientConfig } from './grpc-client-config.ts';
import type { SchedulerConnection } from './scheduler-connection.ts';

/** What opens the streams. */
export type HeartbeatConnection = Pick<SchedulerConnection, 'openStream' | 'rotate' | 'endpoint'>;

type Stream = ClientDuplexStream<schedulerpb.RegionHeartbeatRequest, schedulerpb.RegionHeartbeatResponse>;

/** Heartbeats sent and lost since the client was made. */
export interface HeartbeatCounts {
  readonly sent: number;
  /** Refused because the queue was full. */
  readonly dropped: number;
  /** Answered by the scheduler with an error. */
  readonly refused: number;
}

/**
 * Carries region heartbeats to the scheduler and its answers back, over a stream that is opened when there is something
 * to send and opened again, after a pause, when it was lost. What waits is one heartbeat a region, the latest.
 */
export class HeartbeatStream {
  readonly #connection: HeartbeatConnection;
  readonly #runtime: Runtime;
  readonly #config: GrpcSchedulerClientConfig;
  readonly #onAnswer: (answer: schedulerpb.RegionHeartbeatResponse) => void;
  readonly #waiting = new Map<number, schedulerpb.RegionHeartbeatRequest>();
  readonly #counts = { sent: 0, dropped: 0, refused: 0 };
  #stream: Stream | undefined;
  #isBlocked = false;
  #failures = 0;
  #pause: { cancel(): void } | undefined;
  #isClosed = false;

  constructor(
    connection: HeartbeatConnection,
    runtime: Runtime,
    config: GrpcSchedulerClientConfig,
    onAnswer: (answer: schedulerpb.RegionHeartbeatResponse) => void,
  ) {
    this.#connection = connection;
    this.#runtime = runtime;
    this.#config = config;
    this.#onAnswer = onAnswer;
  }

  get counts(): HeartbeatCounts {
    return { ...this.#counts };
  }

  /** Queues a heartbeat in the place of an earlier one of its region, or drops it when the queue is full. */
  send(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    const regionId = heartbeat.region?.id ?? 0;
    if (this.#isClosed) return;
    if (!this.#waiting.has(regionId) && this.#waiting.size >= this.#config.maxQueuedHeartbeats) {
      this.#counts.dropped += 1;
      return;
    }
    this.#waiting.set(regionId, heartbeat);
    this.#pump();
  }

  /** Ends the stream; what still waits is dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pause?.cancel();
    this.#waiting.clear();
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  #pump(): void {
    if (this.#isBlocked || this.#pause !== undefined || this.#isClosed) return;
    for (const [regionId, heartbeat] of this.#waiting) {
      this.#stream ??= this.#open();
      this.#waiting.delete(regionId);
      this.#counts.sent += 1;
      if (!this.#stream.write(heartbeat)) {
        this.#isBlocked = true;
        return;
      }
    }
  }

  #open(): Stream {
    const stream: Stream = this.#connection.openStream(schedulerpb.Scheduler.regionHeartbeat);
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#isBlocked = false;
      this.#pump();
    });
    stream.on('data', (answer: schedulerpb.RegionHeartbeatResponse) => this.#take(answer));
    stream.on('error', (error: Error) => this.#lose(stream, error));
    stream.on('end', () => this.#lose(stream, undefined));
    return stream;
  }

  #take(answer: schedulerpb.RegionHeartbeatResponse): void {
    if (this.#isClosed) return;
    if (this.#failures > 0) {
      this.#failures = 0;
      this.#runtime.logger.info('region heartbeats reach the scheduler again', { endpoint: this.#connection.endpoint });
    }
    if (answer.header?.error !== undefined) {
      this.#counts.refused += 1;
      const { error } = answer.header;
      this.#runtime.logger.debug('the scheduler refused a region heartbeat', { reason: error.message });
      return;
    }
    this.#onAnswer(answer);
  }

  #lose(stream: Stream, error: Error | undefined): void {
    if (this.#stream !== stream || this.#isClosed) return;
    this.#stream = undefined;
    this.#isBlocked = false;
    this.#failures += 1;
    stream.cancel();
    if (this.#failures === 1) {
      const fields = { endpoint: this.#connection.endpoint, reason: error?.message ?? 'ended by the scheduler' };
      this.#runtime.logger.warn('region heartbeats do not reach the scheduler; trying again', fields);
    }
    this.#connection.rotate();
    const delayMs = backoffMs(this.#failures, this.#config, this.#runtime.random);
    this.#pause = this.#runtime.timers.after(delayMs, () => {
      this.#pause = undefined;
      this.#pump();
    });
  }
}
