// classic-level runs each write on a thread of libuv's pool, so two that are under way together may reach LevelDB in either
// order. This queue has one under way at a time and, as that alone would make every small synced write wait for the disk in
// turn, joins what has queued up meanwhile into one batch: group commit.
//
// The queue's bound is its callers': each write is awaited by whoever made it, and every maker has a bounded mailbox.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from './engine-error.ts';
import { toEngineError } from './level-failure.ts';
import type { ByteLevel } from './level-reader.ts';
import type { OperationBatch } from './write-batch.ts';

/** Bytes at which a group takes no further batch: enough to pay for a sync, little enough for the write buffer. */
const groupBytes = 4 * 1024 * 1024;
/** No key here is empty, so deleting it changes nothing: what a batch holds that is written for its sync alone. */
const noKey = new Uint8Array(0);

interface QueuedWrite {
  readonly batch: OperationBatch;
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: EngineError) => void;
}

/** Brings writes to LevelDB in the order they came, in groups. */
export class LevelWriteQueue {
  readonly #level: ByteLevel;
  #queued: QueuedWrite[] = [];
  /** The loop that empties the queue; `undefined` while nothing is queued. */
  #running: Promise<void> | undefined;
  #failure: EngineError | undefined;
  /** Whether a write since the last sync may sit in a log file that is no longer the current one. */
  #hasUnsynced = false;

  constructor(level: ByteLevel) {
    this.#level = level;
  }

  /** Resolves when the batch is written, and with `sync` when it and all before it are durable. */
  write(batch: OperationBatch, sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ batch, sync, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when all writes so far have been answered. */
  async drained(): Promise<void> {
    await this.#running;
  }

  /** Never rejects: what fails is told to the writes of the group. */
  async #run(): Promise<void> {
    // Writes of one turn make one group; and the caller has to hold the promise before the loop can end.
    await Promise.resolve();
    while (this.#queued.length > 0) {
      const group = this.#takeGroup();
      try {
        this.#checkFailure();
        await this.#writeGroup(group);
        for (const { resolve } of group) resolve();
      } catch (thrown) {
        const error = toEngineError(thrown, 'a write', this.#level.location);
        if (error.code !== 'engineClosed' && error.code !== 'engineFailed') this.#failure = error;
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): QueuedWrite[] {
    let bytes = 0;
    const beyond = this.#queued.findIndex(({ batch }, position) => {
      bytes += batch.byteLength;
      return position > 0 && bytes > groupBytes;
    });
    return this.#queued.splice(0, beyond < 0 ? this.#queued.length : beyond);
  }

  async #writeGroup(group: readonly QueuedWrite[]): Promise<void> {
    const sync = group.some((write) => write.sync);
    const chained = this.#level.batch();
    const target = {
      put: (key: Uint8Array, value: Uint8Array) => chained.put(key, value),
      delete: (key: Uint8Array) => chained.del(key),
    };
    for (const { batch } of group) batch.replay(target);
    if (sync && chained.length === 0) chained.del(noKey);
    await chained.write({ sync });
    if (sync && this.#hasUnsynced) await this.#syncOlderLogs();
    this.#hasUnsynced = !sync;
  }

  /**
   * LevelDB syncs its current log only. When a full write buffer made it start a new one, the log before holds un-synced
   * writes until its table is written; syncing that file closes the gap. A log that is gone is in a synced table.
   */
  async #syncOlderLogs(): Promise<void> {
    const path = this.#level.location;
    const logs = (await readdir(path)).filter((name) => /^\d+\.log$/.test(name));
    if (logs.length < 2) return;
    for (const name of logs) await syncFile(join(path, name));
  }

  /** A torn write may sit in the middle of the log, and what comes after it would be lost when the log is read again. */
  #checkFailure(): void {
    if (this.#failure === undefined) return;
    const { message, cause } = this.#failure;
    throw new EngineError('engineFailed', `refused since an earlier write failed: ${message}`, undefined, { cause });
  }
}

/** Syncs a file's data; one that no longer exists needs none. */
async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
