import type { Engine, RaftLogStore } from '@flotilla/engine';
import type { metapb, raft_serverpb, schedulerpb } from '@flotilla/protocol';
import type { Logger, Runtime } from '@flotilla/runtime';
import type { RegionTree } from '@flotilla/scheduler-client';
import type { ApplyMessage } from '../apply/message.ts';
import type { RaftStoreConfig } from '../config.ts';
import type { ConsistencyChecker } from '../consistency/consistency-checker.ts';
import type { DiskWatch } from '../disk/disk-watch.ts';
import type { StoreLiveness } from '../hibernation/store-liveness.ts';
import type { LogGcTask } from '../log-gc-worker/message.ts';
import type { RegionMachines } from '../machine/region-machines.ts';
import type { StoreMetrics } from '../metrics.ts';
import type { LogWriter } from '../raft-worker/log-writer.ts';
import type { RegionSnapshots } from '../region-snapshot.ts';
import type { RegionTask } from '../region-worker/message.ts';
import type { MemberAsk } from '../scheduler-worker/member-check.ts';
import type { SplitAsk } from '../scheduler-worker/split-asker.ts';
import type { SnapshotManager } from '../snapshot/snapshot-manager.ts';
import type { SplitCheckTask } from '../split-check-worker/message.ts';
import type { LeadershipChange, RegionChange } from '../store-handle.ts';
import type { Peer } from './peer.ts';

import type { SnapshotInstall } from './snapshot-install.ts';

import type { RegionSize } from './split-check.ts';

/** A new region that a split has made. */
export interface NewPart {
  readonly region: metapb.Region;
  /** What it probably got of the region that was split. */
  readonly size: RegionSize | undefined;
  /** Whether the region that was split is led from here. */
  readonly isLed: boolean;
  /** Whether the apply worker found that this store has, or had, another peer of it. */
  readonly isLeftOut: boolean;
}

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
  /** Views of regions that readers hold. */
  readonly regionSnapshots: RegionSnapshots;
  readonly consistency: ConsistencyChecker;
  readonly disk: DiskWatch;
  readonly machines: RegionMachines;
  /** Ranges of the initialised regions of this store. Invariant: changed by the raft worker alone. */
  readonly regions: RegionTree<{ readonly region: metapb.Region }>;
  /** Ranges that a snapshot under way will claim, by region id: nothing else may claim them meanwhile. */
  readonly claimedRegions: Map<number, metapb.Region>;
  /** Bytes of entries that the apply worker has not applied. */
  readonly applyQueue: { bytes: number };
  /**
   * Ticks for which a peer that is made now refuses votes: the store may have run before and have forgotten which leaders
   * its peers heard, who may hold leases. 0 once it has been open for an election timeout.
   */
  quietTicks(): number;
  send(message: raft_serverpb.RaftMessage): void;
  apply(message: ApplyMessage): void;
  scheduleRegionTask(task: RegionTask): boolean;
  scheduleLogGc(task: LogGcTask): boolean;
  scheduleSplitCheck(task: SplitCheckTask): boolean;
  /** Whether the split-check worker has nothing to do. */
  readonly isSplitCheckIdle: boolean;
  /** Has the scheduler asked whether a peer is still a member. */
  askMembership(ask: MemberAsk): void;
  /** Has ids for new regions asked for, and the split proposed with them. */
  askSplit(ask: SplitAsk): void;
  /** Tells the scheduler of the parts of a split. */
  reportSplit(regions: readonly metapb.Region[]): void;
  /** Starts this store's peer of a new region. */
  addPart(part: NewPart): void;
  heartbeat(request: schedulerpb.RegionHeartbeatRequest): void;
  leadershipChanged(change: LeadershipChange): void;
  /** The data of a region are those of a snapshot now. */
  snapshotApplied(regionId: number, index: number): void;
  regionChanged(change: RegionChange): void;
  /** The peer is gone and its tombstone durable: forget it. */
  peerGone(peer: Peer): void;
  /**
   * Begins the peer again from what is on disk, with a snapshot half taken in: as after a crash, and as safe, because
   * nothing that the core holds back has been answered.
   */
  reloadPeer(peer: Peer, install: SnapshotInstall): void;
  readonly clusterId: number;
  /** Which of the stores are alive that this one has hibernating regions with. */
  readonly liveness: StoreLiveness;
}
