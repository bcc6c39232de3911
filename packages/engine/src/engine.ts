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

/** Reads keys in byte order. An absent key is `undefined`; an empty value is a value. */
export interface EngineReader {
  getSync(key: Uint8Array): Uint8Array | undefined;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Pairs of the range in order, as one array. */
  scan(options: ScanOptions): Promise<KeyValue[]>;
  /** Pairs of the range in order, in arrays of up to `batchSize` (default 256), read on demand. */
  iterate(range: KeyRange & { readonly reverse?: boolean }, batchSize?: number): AsyncIterable<KeyValue[]>;
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

/** When a write counts as done: `sync` waits until it survives a power cut. */
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
  /** Applies a batch atomically. An empty batch with `sync` still waits for earlier writes to be durable. */
  write(batch: WriteBatch, options: WriteOptions): Promise<void>;
  /** Deletes every key of the range. Not atomic: a crash may leave a part of it. */
  deleteRange(range: KeyRange): Promise<void>;
  snapshot(): EngineSnapshot;
  /** Bytes the range takes up on disk, roughly. */
  approximateSize(range: KeyRange): Promise<number>;
  /** Where the database lives, so that a worker thread can open it too; `undefined` in memory. */
  readonly path: string | undefined;
  close(): Promise<void>;
}
