import { metapb } from '@flotilla/protocol';
import type { ConfState } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { compareKeys } from '@flotilla/scheduler-client';

/** Whether `key` is in [start, end) of the region; an empty end is the end of the key space. */
export function isKeyInRegion(key: Uint8Array, region: metapb.Region): boolean {
  return compareKeys(key, region.startKey) >= 0 && (region.endKey.length === 0 || compareKeys(key, region.endKey) < 0);
}

/** Whether the peer knows its region's range and members; until then it only answers votes and waits for a snapshot. */
export function isInitialized(region: metapb.Region): boolean {
  return region.peers.length > 0;
}

/** The member with that id. */
export function findPeer(region: metapb.Region, peerId: number): metapb.Peer | undefined {
  return region.peers.find((peer) => peer.id === peerId);
}

/** The member on that store. */
export function findPeerOnStore(region: metapb.Region, storeId: number): metapb.Peer | undefined {
  return region.peers.find((peer) => peer.storeId === storeId);
}

/** The raft configuration that a region's peers stand for. */
export function confStateOf(region: metapb.Region): ConfState {
  const withRole = (role: metapb.PeerRole): number[] =>
    region.peers.filter((peer) => peer.role === role).map((peer) => peer.id);
  return {
    voters: withRole(metapb.PeerRole.Voter),
    votersOutgoing: [],
    learners: withRole(metapb.PeerRole.Learner),
    learnersNext: [],
    autoLeave: false,
  };
}

/** A copy of the region with one peer more and the next conf_ver. */
export function withPeerAdded(region: metapb.Region, peer: metapb.Peer): metapb.Region {
  return withPeers(region, [...region.peers, peer]);
}

/** A copy of the region with one peer less and the next conf_ver. */
export function withPeerRemoved(region: metapb.Region, peerId: number): metapb.Region {
  return withPeers(
    region,
    region.peers.filter((peer) => peer.id !== peerId),
  );
}

function withPeers(region: metapb.Region, peers: readonly metapb.Peer[]): metapb.Region {
  const epoch = region.regionEpoch;
  assert(epoch !== undefined, 'a region has an epoch', { regionId: region.id });
  return { ...region, peers, regionEpoch: { ...epoch, confVer: epoch.confVer + 1 } };
}
