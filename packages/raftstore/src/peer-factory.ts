import { metapb, raft_serverpb } from '@flotilla/protocol';
import { RawNode } from '@flotilla/raft';
import { epochOf } from '@flotilla/scheduler-client';
import type { RaftStoreConfig } from './config.ts';
import type { LoadedRegion } from './load-regions.ts';
import { Peer } from './peer/peer.ts';
import type { PeerContext } from './peer/peer-context.ts';
import { PeerStorage } from './peer/peer-storage.ts';
import type { SnapshotInstall } from './peer/snapshot-install.ts';
import { SnapshotSource } from './peer/snapshot-source.ts';
import { confStateOf, findPeerOnStore } from './region.ts';
import { RaftStoreError } from './store-error.ts';

/** Makes the peer of a region that was loaded from disk, and tells the apply worker of it. */
export function createLoadedPeer(context: PeerContext, loaded: LoadedRegion): Peer {
  const { region, raftState, applyState } = loaded;
  const meta = findPeerOnStore(region, context.storeId);
  if (meta === undefined) {
    throw new RaftStoreError('corrupted', `region ${region.id}: store ${context.storeId} is not among its peers`);
  }
  const peer = createPeer(context, meta, loaded);
  if (loaded.isApplying) {
    const { appliedIndex: index, appliedTerm: term } = applyState;
    const hardState = raftState.hardState ?? { term: 0, vote: 0, commit: 0 };
    peer.install = {
      step: 'replaceData',
      region,
      index,
      term,
      hardState,
      message: undefined,
      isAwaiting: false,
      held: [],
    };
  } else {
    context.regions.replace({ region });
  }
  const hasData = !loaded.isApplying;
  context.apply({ type: 'register', regionId: region.id, peerId: meta.id, region, applyState, hasData });
  return peer;
}

/** Makes a peer again whose snapshot cannot be taken in from the files that are here. */
export function createAwaitingPeer(context: PeerContext, peer: Peer, install: SnapshotInstall): Peer {
  const { index, term, region } = install;
  const awaiting = createLoadedPeer(context, {
    region,
    raftState: { hardState: peer.storage.hardState, lastIndex: index, lastTerm: term },
    applyState: raft_serverpb.RaftApplyState.create({
      appliedIndex: index,
      appliedTerm: term,
      truncatedState: { index, term },
      durableIndex: index,
      durableTerm: term,
    }),
    isApplying: true,
  });
  awaiting.install = install;
  return awaiting;
}

/** Makes a peer that knows nothing but its id; a snapshot will tell the rest. Its vote, if it gave one before, counts. */
export function createReplicatedPeer(context: PeerContext, regionId: number, meta: metapb.Peer): Peer {
  const found = context.logStore.stateSync(regionId);
  const { term = 0, vote = 0 } = found?.hardState ?? {};
  return createPeer(context, meta, {
    region: metapb.Region.create({ id: regionId }),
    raftState: { hardState: { term, vote, commit: 0 }, lastIndex: 0, lastTerm: 0 },
    applyState: raft_serverpb.RaftApplyState.create({ truncatedState: { index: 0, term: 0 } }),
  });
}

function createPeer(
  context: PeerContext,
  meta: metapb.Peer,
  state: Pick<LoadedRegion, 'region' | 'raftState' | 'applyState'>,
): Peer {
  const { region, raftState, applyState } = state;
  const { config, logStore, runtime } = context;
  const snapshotSource = new SnapshotSource(
    region.id,
    (task) => !context.disk.isFull && context.scheduleRegionTask(task),
  );
  const logger = context.logger.child({ regionId: region.id, peerId: meta.id });
  const storage: PeerStorage = new PeerStorage({
    regionId: region.id,
    logStore,
    raftState,
    truncated: applyState.truncatedState ?? { index: 0, term: 0 },
    confState: confStateOf(region),
    cacheBytes: config.entryCacheBytes,
    snapshot: () => snapshotSource.get({ truncatedIndex: storage.truncated.index, epoch: epochOf(peer.region) }),
  });
  const random = runtime.random.fork(`raft ${region.id} ${meta.id}`);
  const node = new RawNode(raftConfig(config, meta.id, applyState.appliedIndex, context.quietTicks()), storage, {
    random,
    logger,
  });
  const peer = new Peer({
    context,
    meta,
    region,
    storage,
    node,
    snapshotSource,
    appliedIndex: applyState.appliedIndex,
  });
  return peer;
}

function raftConfig(
  config: RaftStoreConfig,
  id: number,
  applied: number,
  quietStartTicks: number,
): ConstructorParameters<typeof RawNode>[0] {
  return {
    id,
    applied,
    electionTick: config.electionTicks,
    heartbeatTick: config.heartbeatTicks,
    maxSizePerMessage: config.maxRaftMessageBytes,
    maxInflightMessages: config.maxInflightMessages,
    maxUncommittedEntriesSize: config.maxApplyQueueBytes,
    maxCommittedSizePerReady: config.maxApplyBatchBytes,
    maxPendingReads: config.maxPendingReads,
    checkQuorum: true,
    preVote: true,
    readOnly: 'safe',
    numberHeartbeats: config.leaseReads,
    quietStartTicks,
    disableProposalForwarding: true,
    // A leader that is removed while others could not take over would otherwise go on leading a region it is no part of.
    stepDownOnRemoval: true,
    withholdRemovals: true,
    asyncStorageWrites: true,
    batchAppends: true,
  };
}
