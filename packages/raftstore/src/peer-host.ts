import { type Mailbox, Router } from '@flotilla/actor';
import type { Engine, RaftLogStore } from '@flotilla/engine';
import type { metapb, raft_serverpb, schedulerpb } from '@flotilla/protocol';
import { assert, type Logger, type Runtime } from '@flotilla/runtime';
import { RegionTree } from '@flotilla/scheduler-client';
import type { ApplyMessage } from './apply/message.ts';
import type { RaftStoreConfig } from './config.ts';
import type { ConsistencyChecker } from './consistency/consistency-checker.ts';
import type { DiskWatch } from './disk/disk-watch.ts';
import type { StoreLiveness } from './hibernation/store-liveness.ts';
import type { LoadedRegion } from './load-regions.ts';
import type { RegionMachines } from './machine/region-machines.ts';
import type { StoreMetrics } from './metrics.ts';
import type { Peer } from './peer/peer.ts';
import type { NewPart, PeerContext } from './peer/peer-context.ts';
import type { SnapshotInstall } from './peer/snapshot-install.ts';
import { createAwaitingPeer, createLoadedPeer, createReplicatedPeer } from './peer-factory.ts';
import type { LogWriter } from './raft-worker/log-writer.ts';
import type { PeerMessage, RaftWorkerMessage } from './raft-worker/message.ts';
import type { RaftWorker } from './raft-worker/raft-worker.ts';
import { isInitialized } from './region.ts';
import { addPart, type PartHost } from './region-parts.ts';
import { RegionSnapshots } from './region-snapshot.ts';
import type { MemberAsk } from './scheduler-worker/member-check.ts';
import type { SplitAsk } from './scheduler-worker/split-asker.ts';
import type { SnapshotManager } from './snapshot/snapshot-manager.ts';
import type { LeadershipChange, RegionChange } from './store-handle.ts';
import type { PendingVotes } from './store-worker/pending-votes.ts';
import type { TaskWorkers } from './task-workers.ts';
import type { Transport } from './transport.ts';

/** What the peers of a store are given by it. */
export interface PeerHostOptions {
  readonly storeId: number;
  readonly clusterId: number;
  readonly config: RaftStoreConfig;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly kvEngine: Engine;
  readonly logStore: RaftLogStore;
  readonly transport: Transport;
  readonly logWriter: LogWriter;
  readonly metrics: StoreMetrics;
  readonly snapshots: SnapshotManager;
  readonly liveness: StoreLiveness;
  readonly consistency: ConsistencyChecker;
  readonly disk: DiskWatch;
  readonly machines: RegionMachines;
  readonly raftMailbox: Mailbox<RaftWorkerMessage>;
  readonly applyMailbox: Mailbox<ApplyMessage>;
  readonly raftWorker: RaftWorker;
  readonly tasks: TaskWorkers;
  readonly onHeartbeat: (request: schedulerpb.RegionHeartbeatRequest) => void;
  readonly pendingVotes: PendingVotes;
  readonly onAskMembership: (ask: MemberAsk) => void;
  readonly onAskSplit: (ask: SplitAsk) => void;
  readonly onReportSplit: (regions: readonly metapb.Region[]) => void;
  readonly onRegionChange: (change: RegionChange) => void;
  readonly onSnapshotApplied: (regionId: number, index: number) => void;
  readonly onLeadershipChange: (change: LeadershipChange) => void;
  /** Takes an apply message that came too late, to answer what it carries. */
  readonly onUnapplied: (message: ApplyMessage) => void;
}

/** Makes, addresses and removes the peers of a store, and is the store to them. */
export class PeerHost implements PartHost {
  readonly storeId: number;
  readonly clusterId: number;
  readonly config: RaftStoreConfig;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly kvEngine: Engine;
  readonly logStore: RaftLogStore;
  readonly logWriter: LogWriter;
  readonly metrics: StoreMetrics;
  readonly snapshots: SnapshotManager;
  readonly regionSnapshots: RegionSnapshots;
  readonly liveness: StoreLiveness;
  readonly consistency: ConsistencyChecker;
  readonly disk: DiskWatch;
  readonly machines: RegionMachines;
  readonly regions: RegionTree<{ readonly region: metapb.Region }> = new RegionTree();
  readonly claimedRegions: Map<number, metapb.Region> = new Map();
  readonly applyQueue: { bytes: number } = { bytes: 0 };
  /** Addresses peers by region id: a region is known to exist before its message takes any room. */
  readonly router: Router<number, PeerMessage> = new Router();
  readonly #options: PeerHostOptions;
  readonly #openedAtMs: number;

  constructor(options: PeerHostOptions) {
    this.#options = options;
    this.storeId = options.storeId;
    this.clusterId = options.clusterId;
    this.config = options.config;
    this.runtime = options.runtime;
    this.logger = options.logger;
    this.kvEngine = options.kvEngine;
    this.logStore = options.logStore;
    this.logWriter = options.logWriter;
    this.metrics = options.metrics;
    this.snapshots = options.snapshots;
    this.regionSnapshots = new RegionSnapshots(options.kvEngine, options.runtime, options.config);
    this.consistency = options.consistency;
    this.disk = options.disk;
    this.machines = options.machines;
    this.liveness = options.liveness;
    this.#openedAtMs = options.runtime.clock.monotonicMs();
  }

  quietTicks(): number {
    const { electionTicks, tickIntervalMs } = this.config;
    const openTicks = (this.runtime.clock.monotonicMs() - this.#openedAtMs) / tickIntervalMs;
    return Math.max(0, Math.ceil(electionTicks - openTicks));
  }

  /** Adds the peer of a region that was loaded from disk. */
  addLoaded(region: LoadedRegion): Peer {
    const peer = createLoadedPeer(this, region);
    this.#add(peer);
    return peer;
  }

  addPart(part: NewPart): void {
    addPart(this, part);
  }

  peerOf(regionId: number): Peer | undefined {
    return this.#options.raftWorker.peers.get(regionId);
  }

  replacePeer({ regionId }: Peer): void {
    this.router.unregister(regionId);
    this.#options.raftWorker.removePeer(regionId);
  }

  replayVote(regionId: number): void {
    const message = this.#options.pendingVotes.take(regionId);
    if (message !== undefined) this.router.send(regionId, { type: 'raftMessage', message });
  }

  /** Adds a peer that knows nothing yet but its id. */
  addReplicated(regionId: number, meta: metapb.Peer): void {
    this.#add(createReplicatedPeer(this, regionId, meta));
  }

  send(message: raft_serverpb.RaftMessage): void {
    if (this.#options.transport.send(message) === 'accepted') this.metrics.raftMessagesSent += 1;
    else this.#noteUnsent(message);
  }

  apply(message: ApplyMessage): void {
    const outcome = this.#options.applyMailbox.send(message);
    assert(outcome !== 'full', 'the apply mailbox holds two messages a peer');
    if (outcome === 'closed') this.#options.onUnapplied(message);
  }

  scheduleRegionTask(task: Parameters<PeerContext['scheduleRegionTask']>[0]): boolean {
    return this.#options.tasks.region.schedule(task) === 'accepted';
  }

  scheduleLogGc(task: Parameters<PeerContext['scheduleLogGc']>[0]): boolean {
    return this.#options.tasks.logGc.schedule(task) === 'accepted';
  }

  scheduleSplitCheck(task: Parameters<PeerContext['scheduleSplitCheck']>[0]): boolean {
    return this.#options.tasks.splitCheck.schedule(task) === 'accepted';
  }

  get isSplitCheckIdle(): boolean {
    return this.#options.tasks.splitCheck.pending === 0;
  }

  askMembership(ask: MemberAsk): void {
    this.#options.onAskMembership(ask);
  }

  askSplit(ask: SplitAsk): void {
    this.#options.onAskSplit(ask);
  }

  reportSplit(regions: readonly metapb.Region[]): void {
    this.#options.onReportSplit(regions);
  }

  heartbeat(request: schedulerpb.RegionHeartbeatRequest): void {
    this.#options.onHeartbeat(request);
  }

  leadershipChanged(change: LeadershipChange): void {
    this.#options.onLeadershipChange(change);
  }

  snapshotApplied(regionId: number, index: number): void {
    this.metrics.snapshotsApplied += 1;
    this.#options.onSnapshotApplied(regionId, index);
  }

  regionChanged(change: RegionChange): void {
    this.#options.onRegionChange(change);
  }

  reloadPeer(peer: Peer, install: SnapshotInstall): void {
    peer.abandon('the data of the peer are damaged');
    this.#options.raftWorker.removePeer(peer.regionId);
    this.#options.raftWorker.addPeer(createAwaitingPeer(this, peer, install));
  }

  peerGone(peer: Peer): void {
    const { regionId, region } = peer;
    this.router.unregister(regionId);
    this.#options.raftWorker.removePeer(regionId);
    this.consistency.forget(regionId);
    this.claimedRegions.delete(regionId);
    if (!isInitialized(region)) return;
    this.regionChanged({ type: 'destroyed', region });
    const { startKey, endKey } = region;
    const isScheduled = this.scheduleRegionTask({ type: 'destroy', regionId, startKey, endKey });
    // Data that no region owns are never read, and go when a region with their range is taken in or the store starts.
    if (!isScheduled) this.logger.warn('the data of a destroyed region were left behind', { regionId });
  }

  #add(peer: Peer): void {
    const { raftMailbox, raftWorker } = this.#options;
    const { regionId } = peer;
    this.router.register(regionId, {
      send: (message) => raftMailbox.send({ type: 'peer', regionId, message }),
      sendControl: (message) => raftMailbox.sendControl({ type: 'peer', regionId, message }),
    });
    raftWorker.addPeer(peer);
  }

  /** The core has to know that its messages do not arrive, or it keeps its window full of them. */
  #noteUnsent(message: raft_serverpb.RaftMessage): void {
    this.metrics.raftMessagesDropped += 1;
    const toPeerId = message.toPeer?.id;
    if (toPeerId === undefined || message.isTombstone) return;
    this.#options.raftWorker.complete([{ regionId: message.regionId, message: { type: 'unreachable', toPeerId } }]);
  }
}
