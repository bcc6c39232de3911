import { hasEnd } from './byte-order.ts';
import type {
  Engine,
  EngineReader,
  EngineSnapshot,
  IterateOptions,
  KeyRange,
  KeyValue,
  ScanOptions,
  WriteBatch,
  WriteOptions,
} from './engine.ts';
import { checkKey, EngineError } from './engine-error.ts';
import { MemoryDisk, type PairTree } from './memory-disk.ts';
import { OperationBatch } from './write-batch.ts';

/** Reads of one tree that does not change, or of one that does. */
class TreeReader implements EngineReader {
  readonly #tree: () => PairTree;

  /** `tree` gives the pairs, and throws when they can no longer be read. */
  constructor(tree: () => PairTree) {
    this.#tree = tree;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    checkKey(key);
    return this.#tree().get(key);
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.getSync(key);
  }

  async scan(options: ScanOptions): Promise<KeyValue[]> {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    const pairs: KeyValue[] = [];
    let bytes = 0;
    if (limit < 1) return pairs;
    for (const [key, value] of walk(this.#tree(), options, options.reverse === true)) {
      pairs.push({ key, value });
      bytes += key.length + value.length;
      if (pairs.length >= limit || bytes >= maxBytes) break;
    }
    return pairs;
  }

  async *iterate(options: IterateOptions, batchSize = 256): AsyncIterable<KeyValue[]> {
    const frozen = this.#tree().clone();
    let batch: KeyValue[] = [];
    for (const [key, value] of walk(frozen, options, options.reverse === true)) {
      batch.push({ key, value });
      if (batch.length < batchSize) continue;
      yield batch;
      this.#tree();
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

/** The pairs of a range, in order. The tree must not change meanwhile. */
function* walk(tree: PairTree, range: KeyRange, reverse: boolean): Generator<[Uint8Array, Uint8Array]> {
  const { start, end } = range;
  if (reverse) {
    const pairs = hasEnd(end) ? tree.entriesReversed(end, undefined, true) : tree.entriesReversed();
    for (const pair of pairs) {
      if (Buffer.compare(pair[0], start) < 0) return;
      yield pair;
    }
    return;
  }
  for (const pair of tree.entries(start)) {
    if (hasEnd(end) && Buffer.compare(pair[0], end) >= 0) return;
    yield pair;
  }
}

class MemorySnapshot extends TreeReader implements EngineSnapshot {
  #close: () => void;

  constructor(tree: PairTree, check: () => void) {
    let isClosed = false;
    super(() => {
      if (isClosed) throw new EngineError('snapshotClosed', 'the snapshot is closed');
      check();
      return tree;
    });
    this.#close = () => {
      isClosed = true;
    };
  }

  async close(): Promise<void> {
    this.#close();
  }
}

/**
 * An engine in memory, over a simulated disk: what is synced survives `disk.crash()`, the rest does not. A write is
 * visible to readers before it is durable.
 */
export class MemoryEngine extends TreeReader implements Engine {
  readonly path = undefined;
  readonly disk: MemoryDisk;
  readonly #generation: number;
  #hasFailed = false;

  /** @throws {EngineError} with code `engineLocked` while another engine uses the disk. */
  constructor(disk: MemoryDisk = new MemoryDisk()) {
    const generation = disk.attach();
    super(() => {
      checkAttached(disk, generation);
      return disk.pairs;
    });
    this.disk = disk;
    this.#generation = generation;
  }

  batch(): WriteBatch {
    return new OperationBatch();
  }

  async write(batch: WriteBatch, options: WriteOptions): Promise<void> {
    const claimed = OperationBatch.claim(batch);
    this.#checkWritable();
    try {
      if (claimed.count > 0) this.disk.write(claimed);
      if (options.sync) await this.disk.sync();
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  async deleteRange(range: KeyRange): Promise<void> {
    const batch = this.batch();
    for (const [key] of walk(this.disk.pairs, range, false)) batch.delete(key);
    await this.write(batch, { sync: false });
  }

  snapshot(): EngineSnapshot {
    checkAttached(this.disk, this.#generation);
    return new MemorySnapshot(this.disk.freeze(), () => checkAttached(this.disk, this.#generation));
  }

  async approximateSize(range: KeyRange): Promise<number> {
    checkAttached(this.disk, this.#generation);
    let bytes = 0;
    for (const [key, value] of walk(this.disk.pairs, range, false)) bytes += key.length + value.length;
    return bytes;
  }

  async close(): Promise<void> {
    this.disk.detach(this.#generation);
  }

  #checkWritable(): void {
    checkAttached(this.disk, this.#generation);
    if (this.#hasFailed) throw new EngineError('engineFailed', 'an earlier write failed; open the engine again');
  }
}

function checkAttached(disk: MemoryDisk, generation: number): void {
  if (!disk.isAttached(generation)) throw new EngineError('engineClosed', 'the engine is closed');
}
