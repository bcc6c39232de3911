import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClassicLevel, type Snapshot } from 'classic-level';
import { hasEnd } from './byte-order.ts';
import type { Engine, EngineSnapshot, KeyRange, WriteBatch, WriteOptions } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { toEngineError } from './level-failure.ts';
import { type ByteLevel, LevelReader } from './level-reader.ts';
import { LevelWriteQueue } from './level-write-queue.ts';
import { OperationBatch } from './write-batch.ts';

/** Deletes that `deleteRange` puts into one batch. */
const deleteBatchSize = 4096;
/** No key of the layout begins with this many 0xff bytes; LevelDB wants an end where the key space has none. */
const keySpaceEnd = new Uint8Array(64).fill(0xff);

/** Directories that this thread has open, each by one owner. LevelDB's own lock tells processes apart, not these. */
const ownedPaths = new Set<string>();

/** How to open a database. */
export interface ClassicLevelOptions {
  /** The database's directory, made when it is missing. */
  readonly path: string;
  /** Makes the database when there is none (default); else that is `engineNotFound`. */
  readonly createIfMissing?: boolean | undefined;
  /** Refuses writes, and implies `createIfMissing: false`. LevelDB still locks the directory. */
  readonly readOnly?: boolean | undefined;
  /**
   * Allows other handles of this thread on the same directory. Handles of other threads of this process are always
   * allowed, those of other processes never.
   */
  readonly shared?: boolean | undefined;
  /** Memory for blocks that were read, default 64 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Size at which LevelDB turns its log into a table, default 16 MiB; up to two are in memory. */
  readonly writeBufferBytes?: number | undefined;
}

/**
 * Opens a LevelDB database.
 *
 * @throws {EngineError} `engineLocked`, `engineNotFound`, `engineCorrupted`, `engineIo` or `diskFull`.
 */
export async function openClassicLevelEngine(options: ClassicLevelOptions): Promise<ClassicLevelEngine> {
  const path = resolve(options.path);
  const readOnly = options.readOnly === true;
  const createIfMissing = !readOnly && options.createIfMissing !== false;
  const isOwner = options.shared !== true;
  if (isOwner && ownedPaths.has(path)) throw new EngineError('engineLocked', 'the database is already open', path);
  if (isOwner) ownedPaths.add(path);
  try {
    if (!createIfMissing) await requireDatabase(path);
    // Opens by itself in the next turn, so it is made after the check and with all options.
    const level: ByteLevel = new ClassicLevel(path, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      createIfMissing,
      multithreading: true,
      cacheSize: options.cacheBytes ?? 64 * 1024 * 1024,
      writeBufferSize: options.writeBufferBytes ?? 16 * 1024 * 1024,
    });
    await level.open();
    return new ClassicLevelEngine(level, path, { readOnly, release: () => isOwner && ownedPaths.delete(path) });
  } catch (error) {
    if (isOwner) ownedPaths.delete(path);
    throw toEngineError(error, 'opening the database', path);
  }
}

/** LevelDB's file that names the current manifest is what makes a directory a database. */
async function requireDatabase(path: string): Promise<void> {
  try {
    await access(join(path, 'CURRENT'));
  } catch (cause) {
    throw new EngineError('engineNotFound', 'there is no database', path, { cause });
  }
}

class LevelSnapshot extends LevelReader implements EngineSnapshot {
  readonly #snapshot: Snapshot;

  constructor(level: ByteLevel, snapshot: Snapshot) {
    super(level, snapshot);
    this.#snapshot = snapshot;
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }
}

/** An engine on LevelDB. Made by `openClassicLevelEngine`. */
export class ClassicLevelEngine extends LevelReader implements Engine {
  readonly path: string;
  readonly #readOnly: boolean;
  readonly #release: () => void;
  readonly #queue: LevelWriteQueue;
  #isClosing = false;

  constructor(level: ByteLevel, path: string, owner: { readonly readOnly: boolean; readonly release: () => void }) {
    super(level);
    this.path = path;
    this.#readOnly = owner.readOnly;
    this.#release = owner.release;
    this.#queue = new LevelWriteQueue(level);
  }

  batch(): WriteBatch {
    return new OperationBatch();
  }

  async write(batch: WriteBatch, options: WriteOptions): Promise<void> {
    const claimed = OperationBatch.claim(batch);
    this.#checkWritable();
    await this.#queue.write(claimed, options.sync);
  }

  async deleteRange(range: KeyRange): Promise<void> {
    this.#checkWritable();
    for await (const pairs of this.iterate(range, deleteBatchSize)) {
      const batch = this.batch();
      for (const { key } of pairs) batch.delete(key);
      await this.write(batch, { sync: false });
    }
  }

  snapshot(): EngineSnapshot {
    try {
      return new LevelSnapshot(this.level, this.level.snapshot());
    } catch (error) {
      throw toEngineError(error, 'taking a snapshot', this.path);
    }
  }

  async approximateSize(range: KeyRange): Promise<number> {
    try {
      return await this.level.approximateSize(range.start, hasEnd(range.end) ? range.end : keySpaceEnd);
    } catch (error) {
      throw toEngineError(error, 'measuring a range', this.path);
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    try {
      await this.#queue.drained();
      await this.level.close();
    } catch (error) {
      throw toEngineError(error, 'closing the database', this.path);
    } finally {
      this.#release();
    }
  }

  #checkWritable(): void {
    if (this.#isClosing) throw new EngineError('engineClosed', 'the engine is closed', this.path);
    if (this.#readOnly) throw new EngineError('engineReadOnly', 'the database was opened for reading', this.path);
  }
}
