import type { Pair, RegionHashReport, StoreReport } from '@flotilla/client';
import type { flotillapb } from '@flotilla/protocol';
import type { OperatorClient, RegionWithLeader } from '@flotilla/scheduler-client';
import type { RecordLimits } from './load/record-line.ts';

/** A range of keys; an empty `end` is the end of all keys. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** Orders to the scheduler, and what it knows. */
export type ClusterOperators = Pick<
  OperatorClient,
  'order' | 'find' | 'cancel' | 'getRegion' | 'getRegionAt' | 'listRegions' | 'listStores'
>;

/** A cluster as the commands see it: the routing client, the scheduler and the stores' own reports. */
export interface ClusterConnection {
  readonly clusterId: number;
  readonly limits: RecordLimits;
  get(key: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  put(key: Uint8Array, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Puts pairs in batches. @throws {BatchIncompleteError} that tells which failed. */
  putMany(pairs: readonly Pair[], signal?: AbortSignal): Promise<unknown>;
  delete(key: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Pairs of the range in key order, at most `limit` of them, page after page. */
  scanPages(range: KeyRange, limit: number | undefined, signal?: AbortSignal): AsyncIterable<readonly Pair[]>;
  /** What each store says of itself, or why it did not. */
  storeReports(signal?: AbortSignal): Promise<readonly StoreReport[]>;
  /** Every region, in key order, as the scheduler knows it. */
  regions(signal?: AbortSignal): Promise<readonly RegionWithLeader[]>;
  /** What the scheduler offers to people; connected when first asked for. */
  operators(signal?: AbortSignal): Promise<ClusterOperators>;
  /** What one store has of a region's hash. */
  regionHash(storeId: number, request: flotillapb.RegionHashRequest, signal?: AbortSignal): Promise<RegionHashReport>;
  close(): Promise<void>;
}
