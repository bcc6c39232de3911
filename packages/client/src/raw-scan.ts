import { kvrpcpb, type metapb, tinykvpb } from '@flotilla/protocol';
import type { CallOptions } from './call-deadline.ts';
import type { RawClientConfig } from './config.ts';
import type { RegionCaller } from './region-call.ts';

/** One key with its value. */
export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Which pairs a scan returns. */
export interface ScanRange {
  /** The first key, included; empty or left out for the very first. */
  readonly start?: Uint8Array | undefined;
  /** Where the range ends, excluded; empty or left out for the end of all keys. */
  readonly end?: Uint8Array | undefined;
  /** The most pairs; a whole number of at least 0. Without it, all. */
  readonly limit?: number | undefined;
}

/** What a scan takes beside its range; `timeoutMs` is for each request of it. */
export interface ScanOptions extends CallOptions {
  readonly columnFamily?: string | undefined;
}

/** Pairs in key order, over all regions, one array for each answer of a region; read on demand. */
export async function* scanPages(
  caller: RegionCaller,
  config: RawClientConfig,
  range: ScanRange,
  options: ScanOptions,
): AsyncGenerator<Pair[]> {
  const end = range.end ?? new Uint8Array();
  let start = range.start ?? new Uint8Array();
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  while (left > 0 && isBefore(start, end)) {
    const limit = Math.min(left, config.scanPagePairs);
    const { kvs, region } = await scanPage(caller, start, limit, options);
    const page: Pair[] = [];
    for (const { key, value } of kvs) if (isBefore(key, end)) page.push({ key, value });
    left -= page.length;
    if (page.length > 0) yield page;
    if (page.length < kvs.length) return;
    const lastKey = kvs.at(-1)?.key;
    // A page may be short because of its bytes; only an empty one shows that the region has no more.
    if (lastKey !== undefined) start = successor(lastKey);
    else if (region.endKey.length === 0) return;
    else start = region.endKey;
  }
}

async function scanPage(
  caller: RegionCaller,
  startKey: Uint8Array,
  limit: number,
  options: ScanOptions,
): Promise<{ readonly kvs: readonly kvrpcpb.KvPair[]; readonly region: metapb.Region }> {
  const { response, region } = await caller.call(
    {
      name: 'scan',
      key: startKey,
      isWrite: false,
      method: tinykvpb.TinyKv.rawScan,
      build: (context) => kvrpcpb.RawScanRequest.create({ context, startKey, limit, cf: options.columnFamily ?? '' }),
    },
    options,
  );
  return { kvs: response.kvs, region };
}

/** Whether `key` is before an exclusive end, of which empty is the end of all keys. */
function isBefore(key: Uint8Array, end: Uint8Array): boolean {
  return end.length === 0 || Buffer.compare(key, end) < 0;
}

/** The next possible key. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
