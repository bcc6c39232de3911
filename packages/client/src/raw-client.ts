import { type flotillapb, kvrpcpb, tinykvpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import type { Items } from './batch-cutter.ts';
import { runBounded } from './bounded-batch.ts';
import type { CallOptions } from './call-deadline.ts';
import { InvalidArgumentError, RejectedError } from './client-error.ts';
import { type RawClientConfig, resolveRawClientConfig } from './config.ts';
import { GrpcStoreChannels } from './grpc-store-channels.ts';
import { KeySpace } from './key-space.ts';
import type { LocalStore } from './local-store.ts';
import { type Pair, type ScanOptions, type ScanRange, scanPages } from './raw-scan.ts';
import { RegionBatcher, type Write } from './region-batch.ts';
import { RegionCaller, type RegionRequest } from './region-call.ts';
import { RegionDirectory } from './region-directory.ts';
import { fetchRegionHash, type RegionHashReport } from './region-hash.ts';
import type { StoreChannels } from './store-channels.ts';
import { fetchStoreReports, type StoreReport } from './store-report.ts';
import { writeMany } from './write-many.ts';

/** What a client needs. */
export interface RawClientOptions {
  /** Finds regions and stores; stays the caller's to close. */
  readonly schedulerClient: SchedulerClient;
  readonly runtime: Runtime;
  readonly config?: Partial<RawClientConfig>;
  /** A store of this process: what it leads is read and written there without a connection. */
  readonly localStore?: LocalStore | undefined;
  /** How stores are reached: over gRPC unless given. Closed with the client. */
  readonly channels?: StoreChannels | undefined;
}

/** What a raw call takes. */
export interface RawCallOptions extends CallOptions {
  /** `default` unless given. */
  readonly columnFamily?: string | undefined;
}

/** What a batch takes. */
export interface BatchOptions extends RawCallOptions {
  /** Calls under way at once; unless given, `batchConcurrency` of the configuration, or `writeBatchConcurrency` for writes. */
  readonly concurrency?: number | undefined;
  /** Hears how many items have succeeded, after each. */
  readonly onProgress?: ((succeeded: number) => void) | undefined;
}

/**
 * Reads and writes single keys of a cluster, and scans them. Every call rejects with a `ClientError` of a stable `code`;
 * a write that rejects with any code but `outcomeUnknown` certainly took no effect.
 */
export interface RawClient {
  /** The key's value; `undefined` when there is none. An empty value is a value. */
  get(key: Uint8Array, options?: RawCallOptions): Promise<Uint8Array | undefined>;
  /** Resolves once the value survives the loss of any minority of stores. */
  put(key: Uint8Array, value: Uint8Array, options?: RawCallOptions): Promise<void>;
  /** Resolves once the key is gone, whether or not it was there. */
  delete(key: Uint8Array, options?: RawCallOptions): Promise<void>;
  /**
   * Pairs in key order over all regions, read as they are asked for. Each answer of a region is consistent in itself; pairs of
   * different answers may be of different times.
   */
  scan(range?: ScanRange, options?: ScanOptions): AsyncIterable<Pair>;
  /** The same pairs in arrays as the regions answer, which is faster for many. */
  scanPages(range?: ScanRange, options?: ScanOptions): AsyncIterable<Pair[]>;
  /** The values of keys, in the keys' order. Rejects with the first error. */
  getMany(keys: readonly Uint8Array[], options?: BatchOptions): Promise<(Uint8Array | undefined)[]>;
  /**
   * Puts pairs, in batches of up to `maxBatchWrites` and `maxBatchBytes`, each of which a region writes at once. Pairs with the
   * same key are put in their order, others in any. Begins no more batches after a failure. Resolves with how many there were.
   *
   * @throws {BatchIncompleteError} that tells which failed; by then nothing is under way.
   */
  putMany(pairs: Items<Pair>, options?: BatchOptions): Promise<number>;
  /** Deletes keys as `putMany` puts pairs. */
  deleteMany(keys: Items<Uint8Array>, options?: BatchOptions): Promise<number>;
  /** What every store says of itself; one that does not answer has its reason in the place of its status. */
  storeReports(options?: CallOptions): Promise<readonly StoreReport[]>;
  /** What one store has of a region's hash; `compute` has every replica compute it anew, and goes to the region's leader. */
  regionHash(storeId: number, request: flotillapb.RegionHashRequest, options?: CallOptions): Promise<RegionHashReport>;
  /** Ends the connections; what is under way rejects. */
  close(): Promise<void>;
}

/**
 * A client of the cluster that `schedulerClient` knows.
 *
 * @throws {RawClientConfigError} with code `invalidConfig`.
 */
export function createRawClient(options: RawClientOptions): RawClient {
  return new RoutingRawClient(options);
}

class RoutingRawClient implements RawClient {
  readonly #schedulerClient: SchedulerClient;
  readonly #runtime: Runtime;
  readonly #config: RawClientConfig;
  readonly #space: KeySpace;
  readonly #directory: RegionDirectory;
  readonly #channels: StoreChannels;
  readonly #caller: RegionCaller;
  readonly #batcher: RegionBatcher;

  constructor({ schedulerClient, runtime, config: partial, localStore, channels }: RawClientOptions) {
    const config = resolveRawClientConfig(partial);
    this.#schedulerClient = schedulerClient;
    this.#runtime = runtime;
    this.#config = config;
    this.#space = new KeySpace(config.keyPrefix);
    this.#directory = new RegionDirectory(schedulerClient, config, runtime);
    this.#channels = channels ?? new GrpcStoreChannels(schedulerClient, config, runtime, localStore);
    this.#caller = new RegionCaller({ directory: this.#directory, channels: this.#channels, config, runtime });
    this.#batcher = new RegionBatcher({ caller: this.#caller, directory: this.#directory, config });
  }

  async get(userKey: Uint8Array, options: RawCallOptions = {}): Promise<Uint8Array | undefined> {
    const key = this.#inner(userKey);
    const cf = options.columnFamily ?? '';
    const build = (context: kvrpcpb.Context) => kvrpcpb.RawGetRequest.create({ context, key, cf });
    const method = tinykvpb.TinyKv.rawGet;
    const { response } = await this.#caller.call({ name: 'get', key, isWrite: false, method, build }, options);
    if (response.error !== '') throw new RejectedError(`get: ${response.error}`);
    return response.notFound ? undefined : response.value;
  }

  async put(userKey: Uint8Array, value: Uint8Array, options: RawCallOptions = {}): Promise<void> {
    const key = this.#inner(userKey);
    checkValue(value, this.#config);
    const cf = options.columnFamily ?? '';
    const build = (context: kvrpcpb.Context) => kvrpcpb.RawPutRequest.create({ context, key, value, cf });
    await this.#write({ name: 'put', key, isWrite: true, method: tinykvpb.TinyKv.rawPut, build }, options);
  }

  async delete(userKey: Uint8Array, options: RawCallOptions = {}): Promise<void> {
    const key = this.#inner(userKey);
    const cf = options.columnFamily ?? '';
    const build = (context: kvrpcpb.Context) => kvrpcpb.RawDeleteRequest.create({ context, key, cf });
    await this.#write({ name: 'delete', key, isWrite: true, method: tinykvpb.TinyKv.rawDelete, build }, options);
  }

  async *scan(range?: ScanRange, options?: ScanOptions): AsyncGenerator<Pair> {
    for await (const page of this.scanPages(range, options)) yield* page;
  }

  async *scanPages(range: ScanRange = {}, options: ScanOptions = {}): AsyncGenerator<Pair[]> {
    checkScan(range, this.#config);
    const pages = scanPages(this.#caller, this.#config, this.#space.innerRange(range), options);
    for await (const page of pages) yield this.#space.outerPairs(page);
  }

  async getMany(keys: readonly Uint8Array[], options: BatchOptions = {}): Promise<(Uint8Array | undefined)[]> {
    const values = new Array<Uint8Array | undefined>(keys.length).fill(undefined);
    await runBounded(keys, concurrencyOf(options, this.#config.batchConcurrency), async (key, index) => {
      values[index] = await this.get(key, options);
      return true;
    });
    return values;
  }

  async putMany(pairs: Items<Pair>, options: BatchOptions = {}): Promise<number> {
    return this.#writeMany(pairs, options, ({ key, value }) => {
      const inner = this.#inner(key);
      checkValue(value, this.#config);
      return { key: inner, value };
    });
  }

  async deleteMany(keys: Items<Uint8Array>, options: BatchOptions = {}): Promise<number> {
    return this.#writeMany(keys, options, (key) => {
      return { key: this.#inner(key), value: undefined };
    });
  }

  storeReports(options: CallOptions = {}): Promise<readonly StoreReport[]> {
    const schedulerClient = this.#schedulerClient;
    const parts = { schedulerClient, channels: this.#channels, config: this.#config, runtime: this.#runtime };
    return fetchStoreReports(parts, options);
  }

  regionHash(
    storeId: number,
    request: flotillapb.RegionHashRequest,
    options: CallOptions = {},
  ): Promise<RegionHashReport> {
    const parts = { channels: this.#channels, config: this.#config, runtime: this.#runtime };
    return fetchRegionHash(parts, storeId, request, options);
  }

  async close(): Promise<void> {
    this.#caller.close();
    this.#directory.close();
    this.#channels.close();
  }

  /** @throws {InvalidArgumentError} for an empty key, or one that is too long. */
  #inner(userKey: Uint8Array): Uint8Array {
    checkKey(userKey, this.#config);
    return this.#space.inner(userKey);
  }

  async #write<Request>(
    request: RegionRequest<Request, kvrpcpb.RawPutResponse>,
    options: RawCallOptions,
  ): Promise<void> {
    const { response } = await this.#caller.call(request, options);
    if (response.error !== '') throw new RejectedError(`${request.name}: ${response.error}`);
  }

  #writeMany<Item>(items: Items<Item>, options: BatchOptions, toWrite: (item: Item) => Write): Promise<number> {
    const concurrency = concurrencyOf(options, this.#config.writeBatchConcurrency);
    const parts = { batcher: this.#batcher, config: this.#config, timers: this.#runtime.timers };
    return writeMany(items, toWrite, { ...options, concurrency }, parts);
  }
}

function checkKey(key: Uint8Array, config: RawClientConfig): void {
  if (key.length === 0) throw new InvalidArgumentError('key: empty, at least 1 byte is needed');
  checkSize('key', key, config.maxKeyBytes);
}

function checkValue(value: Uint8Array, config: RawClientConfig): void {
  checkSize('value', value, config.maxValueBytes);
}

function checkScan(range: ScanRange, config: RawClientConfig): void {
  if (range.start !== undefined) checkSize('start', range.start, config.maxKeyBytes + 1);
  const { limit = 0 } = range;
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new InvalidArgumentError(`limit: must be a whole number of at least 0, got ${String(limit)}`);
  }
}

function concurrencyOf(batch: BatchOptions, otherwise: number): number {
  const concurrency = batch.concurrency ?? otherwise;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new InvalidArgumentError(`concurrency: must be a whole number of at least 1, got ${String(concurrency)}`);
  }
  return concurrency;
}

function checkSize(field: string, bytes: Uint8Array, limit: number): void {
  if (!(bytes instanceof Uint8Array)) throw new InvalidArgumentError(`${field}: must be a Uint8Array`);
  if (bytes.length > limit) throw new InvalidArgumentError(`${field}: ${bytes.length} bytes, the limit is ${limit}`);
}
