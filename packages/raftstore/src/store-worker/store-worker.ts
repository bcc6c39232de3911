import type { ActorHandler } from '@flotilla/actor';
import { type Engine, readRegionState } from '@flotilla/engine';
import { eraftpb, type metapb, raft_serverpb } from '@flotilla/protocol';
import { type Logger, unreachable } from '@flotilla/runtime';
import { epochOf, isEpochStale, type RegionTree } from '@flotilla/scheduler-client';
import type { DiskWatch } from '../disk/disk-watch.ts';
import { isVoteRequest, tombstoneNotice } from '../peer/incoming-message.ts';
import { findPeerOnStore } from '../region.ts';
import type { SnapshotKey } from '../snapshot/snapshot-key.ts';
import type { SnapshotManager } from '../snapshot/snapshot-manager.ts';
import type { StoreMessage, StoreTick } from './message.ts';
import type { PendingVotes } from './pending-votes.ts';

/** What the store worker needs. */
export interface StoreWorkerOptions {
  readonly storeId: number;
  readonly kvEngine: Engine;
  readonly logger: Logger;
  readonly snapshots: SnapshotManager;
  readonly regions: RegionTree<{ readonly region: metapb.Region }>;
  readonly pendingVotes: PendingVotes;
  readonly hasPeer: (regionId: number) => boolean;
  /** Hands a message to its region's peer again. */
  readonly redispatch: (message: raft_serverpb.RaftMessage) => void;
  /** Creates a peer that knows nothing yet but its id. */
  readonly createPeer: (regionId: number, meta: metapb.Peer) => void;
  readonly send: (message: raft_serverpb.RaftMessage) => void;
  /** Tells a region's peer that another region wants a part of its range. */
  readonly wantRange: (regionId: number) => void;
  readonly gcSnapshots: (regionId: number, keys: readonly SnapshotKey[]) => void;
  readonly storeHeartbeat: () => void;
  readonly disk: DiskWatch;
}

/** Handles what concerns the store: messages for regions it does not have, and its own ticks. */
export class StoreWorker implements ActorHandler<StoreMessage> {
  readonly #options: StoreWorkerOptions;

  constructor(options: StoreWorkerOptions) {
    this.#options = options;
  }

  async handleBatch(messages: readonly StoreMessage[]): Promise<void> {
    for (const message of messages) await this.#handle(message);
  }

  async #handle(message: StoreMessage): Promise<void> {
    switch (message.type) {
      case 'storeRaftMessage':
        this.#handleRaftMessage(message.message);
        return;
      case 'storeTick':
        return this.#tick(message.tick);
      default:
        unreachable(message, 'store message');
    }
  }

  #handleRaftMessage(message: raft_serverpb.RaftMessage): void {
    const options = this.#options;
    const { regionId, toPeer } = message;
    if (options.hasPeer(regionId)) {
      options.redispatch(message);
      return;
    }
    if (toPeer === undefined || toPeer.storeId !== options.storeId || message.regionEpoch === undefined) return;
    // The notice is for a peer that is gone already.
    if (message.isTombstone || this.#isForTombstone(message)) return;
    if (!this.#mayCreate(message)) return;
    options.createPeer(regionId, toPeer);
    options.redispatch(message);
  }

  /** Whether the message is from the time of a peer that has been removed; who asks for votes is told, having missed it. */
  #isForTombstone(message: raft_serverpb.RaftMessage): boolean {
    const { kvEngine, send, storeId } = this.#options;
    const state = readRegionState(kvEngine, message.regionId);
    if (state?.state !== raft_serverpb.PeerState.Tombstone || state.region === undefined) return false;
    const theirs = epochOf(message);
    const ours = epochOf(state.region);
    const removedHere = findPeerOnStore(state.region, storeId);
    const isOld = isEpochStale(theirs, ours) || (message.toPeer?.id ?? 0) <= (removedHere?.id ?? 0);
    if (!isOld) return false;
    const isMember = state.region.peers.some((peer) => peer.id === message.fromPeer?.id);
    if (!isMember && message.message !== undefined && isVoteRequest(message.message)) {
      send(tombstoneNotice(message, state.region.regionEpoch));
    }
    return true;
  }

  /** Only a message that begins something creates a peer, and only where it would overlap no other region. */
  #mayCreate(message: raft_serverpb.RaftMessage): boolean {
    const raft = message.message;
    if (raft === undefined) return false;
    const isInitial = isVoteRequest(raft) || (raft.msgType === eraftpb.MessageType.MsgHeartbeat && raft.commit === 0);
    if (!isInitial) return false;
    const { startKey, endKey } = message;
    const inTheWay = this.#options.regions.overlapping(startKey, endKey);
    if (inTheWay.length === 0) return true;
    for (const { region } of inTheWay) this.#options.wantRange(region.id);
    this.#options.pendingVotes.offer(message);
    return false;
  }

  async #tick(tick: StoreTick): Promise<void> {
    switch (tick) {
      case 'diskCheck':
        // Not waited for: a file system that hangs must not hold up messages.
        void this.#options.disk.measure();
        return;
      case 'storeHeartbeat':
        this.#options.storeHeartbeat();
        return;
      case 'snapshotGc':
        return this.#gcSnapshots();
      default:
        unreachable(tick, 'store tick');
    }
  }

  async #gcSnapshots(): Promise<void> {
    const { snapshots, hasPeer, gcSnapshots } = this.#options;
    for (const [regionId, keys] of await snapshots.idleSnapshots()) {
      if (hasPeer(regionId)) gcSnapshots(regionId, keys);
      else snapshots.collect(keys);
    }
  }
}
