import { schedulerpb } from '@flotilla/protocol';

/** What a region's peer has written and read since its last report, so that the scheduler can tell busy regions from idle. */
export class RegionFlow {
  #bytesWritten = 0;
  #keysWritten = 0;
  #bytesRead = 0;
  #keysRead = 0;
  #sinceMs: number;

  /** Begins to count at `nowMs` of the monotonic clock. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  noteWritten(bytes: number, keys: number): void {
    this.#bytesWritten += bytes;
    this.#keysWritten += keys;
  }

  noteRead(bytes: number, keys: number): void {
    this.#bytesRead += bytes;
    this.#keysRead += keys;
  }

  /** What there was since the last time, and begins anew. */
  take(nowMs: number): schedulerpb.RegionFlow {
    const flow = schedulerpb.RegionFlow.create({
      bytesWritten: this.#bytesWritten,
      keysWritten: this.#keysWritten,
      bytesRead: this.#bytesRead,
      keysRead: this.#keysRead,
      intervalMs: Math.round(nowMs - this.#sinceMs),
    });
    this.#bytesWritten = 0;
    this.#keysWritten = 0;
    this.#bytesRead = 0;
    this.#keysRead = 0;
    this.#sinceMs = nowMs;
    return flow;
  }
}
