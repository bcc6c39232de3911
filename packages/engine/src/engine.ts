/** One key with its value. Both are owned by whoever receives them. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A half-open range of keys in byte order; a missing or empty `end` is the end of the key space. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end?: Uint8Array | undefined;
}

/** How much of a range a scan returns, and from which side. */
export interface ScanOptions extends KeyRange {
  /** The most pairs, at least 1. */
  readonly limit?: number | undefined;
  /** Stops after the pair with which keys and values together reach this many bytes. */
  readonly maxBytes?: number | undefined;
  readonly reverse?: boolean | undefined;
}

/** Which pairs an iteration passes, and from which side. */
export interface IterateOptions extends KeyRange {
  readonly reverse?: boolean | undefined;
}

/**
 * Reads keys in byte order. An absent key is `undefined`; an empty value is a value. What is returned is the caller's and
 * may be a `Buffer`, so that `slice` may be a view of it.
 */
export interface EngineReader {
  getSync(key: Uint8Array): Uint8Array | undefined;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Pairs of the range in order, as one array. */
  scan(options: ScanOptions): Promise<KeyValue[]>;
  /**
   * Pairs of the range in order, in non-empty arrays of up to `batchSize` (default 256), read on demand. Shows the engine
   * as it was when the first array was asked for.
   */
  iterate(options: IterateOptions, batchSize?: number): AsyncIterable<KeyValue[]>;
}

/** A view of the engine as it was when the snapshot was taken. Must be closed. */
export interface EngineSnapshot extends EngineReader {
  close(): Promise<void>;
}

/** Puts and deletes that reach the engine together or not at all, in the order they were added. Used once. */
export interface WriteBatch {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** Operations added so far. */
  readonly count: number;
  /** Bytes of keys and values added so far. */
  readonly byteLength: number;
}

/**
 * When a write counts as done: `sync` waits until it, and every write before it through the same
 * engine object, survives a power cut; what another thread wrote through its own is that thread's to sync. What is not synced
 * survives the end of the process but not a power cut, and then it need not be the latest writes alone that are lost:
 * LevelDB starts a new log file every few megabytes without syncing the one before. Writes that have to be lost in order,
 * or not at all, are written with `sync`.
 */
export interface WriteOptions {
  readonly sync: boolean;
}

/**
 * An ordered key-value store of one database. Keys are non-empty byte strings.
 *
 * @throws {EngineError} with a stable `code` from every method when the storage fails.
 */
export interface Engine extends EngineReader {
  batch(): WriteBatch;
  /**
   * Applies a batch atomically; batches apply in the order of the calls on one engine object. An empty batch with `sync` still waits for earlier
   * writes to be durable. After a failure every later write fails with `engineFailed`: what reached the disk is unknown
   * until the engine is opened again.
   */
  write(batch: WriteBatch, options: WriteOptions): Promise<void>;
  /** Deletes every key of the range, un-synced. Not atomic: a crash may leave a part of it. */
  deleteRange(range: KeyRange): Promise<void>;
  snapshot(): EngineSnapshot;
  /** Bytes the range takes up on disk, roughly. */
  approximateSize(range: KeyRange): Promise<number>;
  /** Where the database lives, so that a worker thread can open it too; `undefined` in memory. */
  readonly path: string | undefined;
  close(): Promise<void>;
}
