import type { Engine, RaftLogStore } from '@flotilla/engine';
import type { metapb, raft_serverpb, schedulerpb } from '@flotilla/protocol';
import type { Logger, Runtime } from '@flotilla/runtime';
import type { RegionTree } from '@flotilla/scheduler-client';
import type { ApplyMessage } from '../apply/message.ts';
import type { RaftStoreConfig } from '../config.ts';
import type { ConsistencyChecker } from '../consistency/consistency-checker.ts';
import type { LogGcTask } from '../log-gc-worker/message.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { LogWriter } from '../raft-worker/log-writer.ts';
import type { RegionTask } from '../region-worker/message.ts';
import type { SnapshotManager } from '../snapshot/snapshot-manager.ts';
import type { LeadershipChange } from '../store-handle.ts';
import type { Peer } from './peer.ts';

/** What the store is to its peers. */
export interface PeerContext {
  readonly storeId: number;
  readonly config: RaftStoreConfig;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly kvEngine: Engine;
  readonly logStore: RaftLogStore;
  readonly logWriter: LogWriter;
  readonly metrics: StoreMetrics;
  readonly snapshots: SnapshotManager;
  readonly consistency: ConsistencyChecker;
  /** Ranges of the initialised regions of this store. Invariant: changed by the raft worker alone. */
  readonly regions: RegionTree<{ readonly region: metapb.Region }>;
  /** Ranges that a snapshot under way will claim, by region id: nothing else may claim them meanwhile. */
  readonly claimedRegions: Map<number, metapb.Region>;
  /** Bytes of entries that the apply worker has not applied. */
  readonly applyQueue: { bytes: number };
  send(message: raft_serverpb.RaftMessage): void;
  apply(message: ApplyMessage): void;
  scheduleRegionTask(task: RegionTask): boolean;
  scheduleLogGc(task: LogGcTask): boolean;
  heartbeat(request: schedulerpb.RegionHeartbeatRequest): void;
  leadershipChanged(change: LeadershipChange): void;
  /** The peer is gone and its tombstone durable: forget it. */
  peerGone(peer: Peer): void;
  readonly clusterId: number;
}
