import type { ClassicLevel, IteratorOptions, Snapshot } from 'classic-level';
import { hasEnd } from './byte-order.ts';
import type { EngineReader, IterateOptions, KeyValue, ScanOptions } from './engine.ts';
import { checkKey } from './engine-error.ts';
import { toEngineError } from './level-failure.ts';

/** Pairs that one call of a scan asks LevelDB for. */
const scanBatchSize = 1024;
/** Bytes after which LevelDB ends a batch early. Its default of 16 KiB makes a scan of 1 KiB values twelve times slower. */
const batchBytes = 1024 * 1024;

/** A LevelDB database with keys and values as bytes. */
export type ByteLevel = ClassicLevel<Uint8Array, Uint8Array>;
type ByteIteratorOptions = IteratorOptions<Uint8Array, Uint8Array>;

/** Reads of a LevelDB database, now or as of a snapshot. */
export class LevelReader implements EngineReader {
  protected readonly level: ByteLevel;
  readonly #options: { readonly snapshot?: Snapshot };

  constructor(level: ByteLevel, snapshot?: Snapshot) {
    this.level = level;
    this.#options = snapshot === undefined ? {} : { snapshot };
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    checkKey(key);
    try {
      return this.level.getSync<Uint8Array, Uint8Array>(key, this.#options);
    } catch (error) {
      throw toEngineError(error, 'reading a key', this.level.location);
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkKey(key);
    try {
      return await this.level.get<Uint8Array, Uint8Array>(key, this.#options);
    } catch (error) {
      throw toEngineError(error, 'reading a key', this.level.location);
    }
  }

  async scan(options: ScanOptions): Promise<KeyValue[]> {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    const pairs: KeyValue[] = [];
    let bytes = 0;
    if (limit < 1) return pairs;
    for await (const batch of this.iterate(options, Math.min(limit, scanBatchSize))) {
      for (const pair of batch) {
        pairs.push(pair);
        bytes += pair.key.length + pair.value.length;
        if (pairs.length >= limit || bytes >= maxBytes) return pairs;
      }
    }
    return pairs;
  }

  async *iterate(options: IterateOptions, batchSize = 256): AsyncIterable<KeyValue[]> {
    const { level } = this;
    try {
      const iterator = level.iterator<Uint8Array, Uint8Array>(this.#iteratorOptions(options));
      try {
        for (;;) {
          const entries = await iterator.nextv(batchSize);
          if (entries.length === 0) return;
          yield entries.map(([key, value]) => ({ key, value }));
        }
      } finally {
        await iterator.close();
      }
    } catch (error) {
      throw toEngineError(error, 'reading a range', level.location);
    }
  }

  #iteratorOptions(options: IterateOptions): ByteIteratorOptions {
    return {
      ...this.#options,
      gte: options.start,
      ...(hasEnd(options.end) ? { lt: options.end } : {}),
      reverse: options.reverse === true,
      highWaterMarkBytes: batchBytes,
    };
  }
}
