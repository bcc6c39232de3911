import type { metapb, schedulerpb } from '@flotilla/protocol';
import type { Observable } from 'rxjs';

/** How the scheduler answered a bootstrap: only the first store of a cluster gets `bootstrapped`. */
export type BootstrapOutcome = 'bootstrapped' | 'alreadyBootstrapped';

/** A region as the scheduler knows it from heartbeats. */
export interface RegionWithLeader {
  readonly region: metapb.Region;
  readonly leader: metapb.Peer | undefined;
}

/** Counts of the worker that calls the scheduler, as other task workers have them. */
export interface SchedulerWorkerStats {
  /** Tasks that have completed, whatever the scheduler answered. */
  readonly done: number;
  /** Tasks that were cut off. */
  readonly failed: number;
  readonly retried: number;
  /** Times that the worker failed and was replaced. */
  readonly replaced: number;
  readonly pending: number;
  readonly isRunning: boolean;
}

/** The scheduler as stores and clients see it. Every call rejects with a `SchedulerError` of a stable `code`. */
export interface SchedulerClient {
  /** The cluster's id, learned from the scheduler at connection. */
  readonly clusterId: number;
  /** Records the first store and the first region together, atomically, exactly once in a cluster's life. */
  bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome>;
  isBootstrapped(signal?: AbortSignal): Promise<boolean>;
  /** An id never given out before, for a store, region or peer. */
  allocId(signal?: AbortSignal): Promise<number>;
  putStore(store: metapb.Store, signal?: AbortSignal): Promise<void>;
  /** `undefined` when no such store was ever put. */
  getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined>;
  getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]>;
  /** The region whose range holds `key`. */
  getRegion(key: Uint8Array, signal?: AbortSignal): Promise<RegionWithLeader | undefined>;
  getRegionById(regionId: number, signal?: AbortSignal): Promise<RegionWithLeader | undefined>;
  /** Regions from the one that holds `startKey`, in key order, at most `limit`. */
  scanRegions(
    startKey: Uint8Array,
    endKey: Uint8Array,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RegionWithLeader[]>;
  /**
   * Ids for `count` new regions, 1 to 256, and their peers, one for each peer of `region`: all of them in `ids`, the first
   * in the old fields too. Rejects with `regionNotFound` when the region is unknown, or no longer as it was.
   */
  askSplit(region: metapb.Region, count: number, signal?: AbortSignal): Promise<schedulerpb.AskSplitResponse>;
  /**
   * Tells all parts of a finished split, in key order; they take the place of the region that was split at once. Parts
   * that a newer report has overtaken change nothing. Rejects with `regionNotFound` when all of them are.
   */
  reportSplit(regions: readonly metapb.Region[], signal?: AbortSignal): Promise<void>;
  storeHeartbeat(stats: schedulerpb.StoreStats, signal?: AbortSignal): Promise<void>;
  /** Reports a region; sent by its leader only. Never blocks: a heartbeat that cannot be sent is dropped, the next one says the same. */
  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void;
  /** What the scheduler asks of regions led by this client's store. */
  readonly regionHeartbeatResponses: Observable<schedulerpb.RegionHeartbeatResponse>;
  /** Undefined where the calls are made by no worker of their own. */
  readonly workerStats?: SchedulerWorkerStats;
  close(): Promise<void>;
}
