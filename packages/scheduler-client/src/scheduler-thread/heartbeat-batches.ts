import type { schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { ToSchedulerThread } from './message.ts';
import { withOwnBytes } from './own-bytes.ts';

/** What sending heartbeats to the thread needs. */
export interface HeartbeatBatchesOptions {
  readonly runtime: Runtime;
  /** Regions whose heartbeats may wait. */
  readonly maxQueued: number;
  readonly maxPerBatch: number;
  readonly isReady: () => boolean;
  readonly post: (message: ToSchedulerThread) => void;
}

/**
 * Region heartbeats on their way to the thread: one a region, the latest. One batch crosses at a time, so that what a slow
 * thread has not read yet is bounded too.
 */
export class HeartbeatBatches {
  readonly #options: HeartbeatBatchesOptions;
  readonly #waiting = new Map<number, schedulerpb.RegionHeartbeatRequest>();
  #isCrossing = false;
  #isFlushDeferred = false;
  #isClosed = false;
  #taken = 0;
  #lost = 0;
  #dropped = 0;

  constructor(options: HeartbeatBatchesOptions) {
    this.#options = options;
  }

  /** Batches that a thread took. */
  get taken(): number {
    return this.#taken;
  }

  /** Batches whose thread was lost; the next heartbeats of their regions say the same. */
  get lost(): number {
    return this.#lost;
  }

  /** Heartbeats refused because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Regions whose heartbeats wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Queues a heartbeat in the place of an earlier one of its region, or drops it when the queue is full. */
  send(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    if (this.#isClosed) return;
    const regionId = heartbeat.region?.id ?? 0;
    if (!this.#waiting.has(regionId) && this.#waiting.size >= this.#options.maxQueued) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.set(regionId, heartbeat);
    if (this.#isFlushDeferred) return;
    this.#isFlushDeferred = true;
    this.#options.runtime.timers.defer(() => {
      this.#isFlushDeferred = false;
      this.flush();
    });
  }

  /** Sends the next batch, unless one is crossing or no thread is ready. */
  flush(): void {
    if (this.#isCrossing || this.#isClosed || this.#waiting.size === 0 || !this.#options.isReady()) return;
    const heartbeats: schedulerpb.RegionHeartbeatRequest[] = [];
    for (const [regionId, heartbeat] of this.#waiting) {
      this.#waiting.delete(regionId);
      heartbeats.push(withOwnBytes(heartbeat));
      if (heartbeats.length >= this.#options.maxPerBatch) break;
    }
    this.#isCrossing = true;
    this.#options.post({ type: 'heartbeats', heartbeats });
  }

  /** The thread has taken the batch. */
  onTaken(): void {
    this.#isCrossing = false;
    this.#taken += 1;
    this.flush();
  }

  /** The thread is gone, and with it the batch that was crossing. */
  onLost(): void {
    if (this.#isCrossing) this.#lost += 1;
    this.#isCrossing = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }
}
