import type { flotillapb, metapb } from '@flotilla/protocol';
import type { RegionWithLeader } from '@flotilla/scheduler-client';
import type { RecordLimits } from './load/record-line.ts';

/** One key with its value. */
export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a store says about itself, or why it could not be asked. */
export type StoreReport =
  | { readonly type: 'answered'; readonly status: flotillapb.StoreStatusResponse }
  | { readonly type: 'silent'; readonly reason: string };

/** A cluster as the commands see it: the routing client, the scheduler and the stores' own reports. */
export interface ClusterConnection {
  readonly clusterId: number;
  readonly limits: RecordLimits;
  get(key: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  put(key: Uint8Array, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  delete(key: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Pairs from `start`, in key order, at most `limit`; fewer only where the keys end. An empty `end` is the end of all keys. */
  scan(start: Uint8Array, end: Uint8Array, limit: number, signal?: AbortSignal): Promise<readonly Pair[]>;
  stores(signal?: AbortSignal): Promise<readonly metapb.Store[]>;
  regions(signal?: AbortSignal): Promise<readonly RegionWithLeader[]>;
  report(store: metapb.Store, signal?: AbortSignal): Promise<StoreReport>;
  close(): Promise<void>;
}
