import type { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { initialApplyState, initialRaftState } from './initial-state.ts';
import type { LoadedRegion } from './load-regions.ts';
import type { Peer } from './peer/peer.ts';
import type { NewPart, PeerContext } from './peer/peer-context.ts';
import { findPeerOnStore } from './region.ts';

/** What becoming the peer of a split's new region needs of the store. */
export interface PartHost extends PeerContext {
  /** This store's peer of a region, whatever its state. */
  peerOf(regionId: number): Peer | undefined;
  addLoaded(region: LoadedRegion): Peer;
  /** Forgets a peer that knows nothing but its id, for the one that takes its place. */
  replacePeer(peer: Peer): void;
  /** Hands the peer the first vote that was asked of it before it was here. */
  replayVote(regionId: number): void;
}

/**
 * Starts this store's peer of a region that a split has made. A peer may be here already, made by a message of the region's
 * leader on another store: one that knows nothing but the same id gives its place, and its vote counts; any other stays, and
 * so does the tombstone of one that was removed.
 */
export function addPart(host: PartHost, part: NewPart): void {
  const { region } = part;
  const meta = findPeerOnStore(region, host.storeId);
  assert(meta !== undefined, 'a split keeps the members of the region', { regionId: region.id });
  const existing = host.peerOf(region.id);
  if (part.isLeftOut || (existing !== undefined && !givesPlace(existing, meta))) {
    leaveOut(host, part, meta, existing);
    return;
  }
  const voted = existing?.storage.hardState;
  if (existing !== undefined) host.replacePeer(existing);
  // After a restart there is no such peer until somebody calls it again, and its vote is on disk alone.
  const raftState = initialRaftState(voted ?? host.logStore.stateSync(region.id)?.hardState);
  const peer = host.addLoaded({ region, raftState, applyState: initialApplyState(), isApplying: false });
  peer.splitCheck.inherit(part.size);
  host.regionChanged({ type: 'created', region });
  // Its parent led a moment ago, so it is alive and known: the new region need not wait for an election timeout.
  if (part.isLed && region.peers.length > 1) peer.node.campaign();
  host.replayVote(region.id);
}

function givesPlace(existing: Peer, meta: metapb.Peer): boolean {
  return existing.meta.id === meta.id && !existing.isInitialized && !existing.isDestroying;
}

/** Takes back what the apply worker wrote, where it could not know better, and deletes the data that nobody has now. */
function leaveOut(host: PartHost, part: NewPart, meta: metapb.Peer, existing: Peer | undefined): void {
  const { id: regionId, startKey, endKey } = part.region;
  host.logger.info('a new region is left out: this store has, or had, a later peer of it', {
    regionId,
    peerId: meta.id,
  });
  const isGoing = existing?.isDestroying === true && existing.meta.id === meta.id;
  if (!part.isLeftOut && !isGoing) {
    host.apply({ type: 'destroy', regionId, peerId: meta.id, region: part.region, finalEpoch: undefined });
  }
  // A snapshot on its way in deletes what it finds.
  if (existing?.isInitialized === true || existing?.install !== undefined) return;
  if (!host.scheduleRegionTask({ type: 'destroy', regionId, startKey, endKey })) {
    host.logger.warn('the data of a region that was left out were left behind', { regionId });
  }
}
