import type { Engine, WriteBatch } from '@flotilla/engine';
import type { Clock } from '@flotilla/runtime';
import type { StoreMetrics } from '../metrics.ts';
import type { SlowWriteWatch } from '../slow-write-watch.ts';
import type { PeerMessage } from './message.ts';

/** One peer's part of a write: what is to be told once it is durable. */
export interface LogEffect {
  readonly regionId: number;
  readonly message: PeerMessage;
}

/** What the log writer needs. */
export interface LogWriterOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly metrics: StoreMetrics;
  readonly slowWrites: SlowWriteWatch;
  /** Hears of each part once it is durable, in the order they were added. */
  readonly onPersisted: (effects: readonly LogEffect[]) => void;
  readonly onFailure: (cause: unknown) => void;
}

/**
 * Group commit of the raft database: what all peers have to write goes into one batch and one sync. While a batch is being
 * written the next one gathers, so that a slow disk makes batches larger, not more numerous.
 *
 * Invariant: batches are written one at a time in the order they were gathered. After a failure nothing is written again:
 * what reached the disk is unknown.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #batch: WriteBatch;
  #effects: LogEffect[] = [];
  #mustSync = false;
  #gatheringSinceMs = 0;
  #isWriting = false;
  #hasFailed = false;
  #idle: (() => void)[] = [];

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#batch = options.engine.batch();
  }

  /** Bytes gathered behind the write under way. */
  get pendingBytes(): number {
    return this.#batch.byteLength;
  }

  /** Lets a peer add to the batch that gathers; `effect` follows once it is durable. `sync` is for what votes and entries need. */
  add(effect: LogEffect, sync: boolean, fill: (batch: WriteBatch) => void): void {
    fill(this.#batch);
    if (this.#effects.length === 0) this.#gatheringSinceMs = this.#options.clock.monotonicMs();
    this.#effects.push(effect);
    this.#mustSync ||= sync;
  }

  /** Writes what has gathered unless a write is under way; then it follows by itself. */
  flush(): void {
    if (this.#isWriting || this.#hasFailed || this.#effects.length === 0) return;
    this.#isWriting = true;
    void this.#write();
  }

  /** Resolves when no write is under way. */
  whenIdle(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Resolves when everything gathered has been written, or writing has failed. */
  async drain(): Promise<void> {
    this.flush();
    while (this.#isWriting) await this.whenIdle();
  }

  async #write(): Promise<void> {
    const { engine, clock, metrics, slowWrites, onPersisted, onFailure } = this.#options;
    const batch = this.#batch;
    const effects = this.#effects;
    const sync = this.#mustSync;
    this.#batch = engine.batch();
    this.#effects = [];
    this.#mustSync = false;
    slowWrites.begin();
    if (sync) metrics.append.record(clock.monotonicMs() - this.#gatheringSinceMs);
    try {
      if (batch.count > 0) await engine.write(batch, { sync });
    } catch (cause) {
      slowWrites.end();
      this.#hasFailed = true;
      onFailure(cause);
      this.#settle();
      return;
    }
    const ms = slowWrites.end();
    if (sync) metrics.logWritten(effects.length, batch.byteLength, ms);
    onPersisted(effects);
    this.#settle();
    this.flush();
  }

  #settle(): void {
    this.#isWriting = false;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
