import type { HandlerLife } from '@flotilla/actor';
import type { Engine } from '@flotilla/engine';
import { RaftLogStore } from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import type { Observable } from 'rxjs';
import { bootstrapStore } from './bootstrap.ts';
import { type RaftStoreConfig, resolveRaftStoreConfig } from './config.ts';
import type { Inconsistency } from './consistency/inconsistency.ts';
import { type DiskSpace, NodeDiskSpace } from './disk/disk-space.ts';
import { loadRegions } from './load-regions.ts';
import type { RegionMachineKind } from './machine/region-machine.ts';
import type { StoreMetricsSnapshot } from './metrics.ts';
import { RunningStore } from './running-store.ts';
import { NodeSnapshotDirectory } from './snapshot/node-snapshot-directory.ts';
import type { SnapshotDirectory } from './snapshot/snapshot-directory.ts';
import type { RaftStoreError } from './store-error.ts';
import type { CommandResult, RaftStoreHandle, RegionChange, SnapshotEvent, SplitChange } from './store-handle.ts';
import type { Transport } from './transport.ts';
import { deleteUnownedData } from './unowned-data.ts';

/** Whether a store serves. Once it has failed it answers nothing but errors and has to be opened again. */
export type StoreHealth =
  | { readonly status: 'serving' | 'closing' | 'closed' }
  | { readonly status: 'failed'; readonly error: RaftStoreError };

/** A running store, with what its owner watches. */
export interface RaftStore extends RaftStoreHandle {
  /** The store's health as it changes, beginning with the present one. */
  readonly health: Observable<StoreHealth>;
  /** Replicas of this store that turned out to differ from their leaders'. */
  readonly inconsistencies: Observable<Inconsistency>;
  /** Regions that were split, made or destroyed here, one array per batch. */
  readonly regionChanges: Observable<readonly RegionChange[]>;
  /** Those of them that are splits. */
  readonly splits: Observable<readonly SplitChange[]>;
  /** Snapshots that were sent to other stores, received or taken in here, one array per batch. */
  readonly snapshotEvents: Observable<readonly SnapshotEvent[]>;
  /** Counters, queue lengths and histograms of times, as of now. */
  metrics(): StoreMetricsSnapshot;
  /**
   * Splits a region that is led here, at keys in order or, without any, in the middle. Resolves once and never rejects: with
   * the parts in `response.adminResponse.split`, or with an error as `execute` has them.
   */
  splitRegion(order: SplitOrder): Promise<CommandResult>;
}

/** Which region to split, and where. */
export interface SplitOrder {
  readonly regionId: number;
  /** Given, the region is split only if its range is still that of this epoch. */
  readonly regionEpoch?: metapb.RegionEpoch | undefined;
  readonly splitKeys: readonly Uint8Array[];
}

/** What a store needs. Nothing that is passed in is closed by it. */
export interface OpenRaftStoreOptions {
  readonly runtime: Runtime;
  readonly config?: Partial<RaftStoreConfig> | undefined;
  /** Data and region states. */
  readonly kvEngine: Engine;
  /** Raft logs and raft states. */
  readonly raftEngine: Engine;
  readonly transport: Transport;
  readonly schedulerClient: SchedulerClient;
  /** Where other stores and clients reach this one. */
  readonly storeAddress: string;
  /** Where snapshot files live: a directory's path, or a twin of one. A path is needed for workers on threads. */
  readonly snapshotDirectory: string | SnapshotDirectory;
  /** Tells the room on the store's disks; by default the file systems' of the databases, where they have paths. */
  readonly diskSpace?: DiskSpace | undefined;
  /** Whether snapshots and log GC work on threads that open the same databases (by default), or in this thread. */
  readonly taskWorkers?: 'inline' | 'thread' | undefined;
  /** The state machines that replicas of this cluster have, the same on all of its stores; none unless given. */
  readonly machines?: readonly RegionMachineKind[] | undefined;
  /** For simulations: gives each handler of an inline worker a life, which may end in the middle of a task. */
  readonly createTaskLife?: ((worker: string) => HandlerLife) | undefined;
  /** Hears, once, why the store had to stop; the process should end rather than go on without it. */
  readonly onFatal?: ((error: RaftStoreError) => void) | undefined;
  /** Gives up opening, while the scheduler is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a store: gives it an identity in its cluster if it has none, makes the first region if nobody has, loads and checks
 * what it has, and starts.
 *
 * @throws {RaftStoreError} with code `clusterMismatch`, `notEmpty` or `corrupted`.
 * @throws {CorruptedRecordError} naming the place of a damaged log record.
 * @throws {RaftStoreConfigError} with code `invalidConfig`.
 * @throws {SchedulerError} when the scheduler cannot be reached.
 */
export async function openRaftStore(options: OpenRaftStoreOptions): Promise<RaftStore> {
  const config = resolveRaftStoreConfig(options.config);
  const { kvEngine, schedulerClient, snapshotDirectory, storeAddress, signal } = options;
  const logStore = new RaftLogStore(options.raftEngine);
  const ident = await bootstrapStore({ kvEngine, logStore, client: schedulerClient, storeAddress, signal });
  const directory =
    typeof snapshotDirectory === 'string' ? new NodeSnapshotDirectory(snapshotDirectory) : snapshotDirectory;
  await directory.removeUncommitted();
  const regions = await loadRegions(kvEngine, logStore);
  await deleteUnownedData(
    kvEngine,
    regions.map(({ region }) => region),
  );
  const diskSpace = options.diskSpace ?? diskSpaceOf(options);
  const store = new RunningStore({ ...options, config, ident, logStore, directory, diskSpace });
  await store.checkDisk();
  store.start(regions);
  return store;
}

function diskSpaceOf({ kvEngine, raftEngine }: OpenRaftStoreOptions): DiskSpace | undefined {
  const paths = [kvEngine.path, raftEngine.path].filter((path) => path !== undefined);
  return paths.length === 0 ? undefined : new NodeDiskSpace(paths);
}
