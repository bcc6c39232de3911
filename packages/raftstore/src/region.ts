import { metapb } from '@flotilla/protocol';
import type { ConfState } from '@flotilla/raft';
import { compareKeys, epochOf } from '@flotilla/scheduler-client';

/** Whether `key` is in [start, end) of the region; an empty end is the end of the key space. */
export function isKeyInRegion(key: Uint8Array, region: Pick<metapb.Region, 'startKey' | 'endKey'>): boolean {
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

/** Whether a joint change is under way: some peers vote in only one of the two configurations. */
export function isJoint(region: metapb.Region): boolean {
  const { DemotingVoter, IncomingVoter } = metapb.PeerRole;
  return region.peers.some(({ role }) => role === IncomingVoter || role === DemotingVoter);
}

/**
 * The raft configuration that a region's peers stand for. A joint one is always left automatically, so the roles tell
 * everything.
 */
export function confStateOf(region: metapb.Region): ConfState {
  const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;
  const withRole = (...roles: readonly metapb.PeerRole[]): number[] =>
    region.peers.filter((peer) => roles.includes(peer.role)).map((peer) => peer.id);
  const joint = isJoint(region);
  return {
    voters: withRole(Voter, IncomingVoter),
    votersOutgoing: joint ? withRole(Voter, DemotingVoter) : [],
    learners: withRole(Learner),
    learnersNext: withRole(DemotingVoter),
    autoLeave: joint,
  };
}

/** Whether the peer votes and will go on to: it may lead. */
export function mayLead(peer: metapb.Peer): boolean {
  return peer.role === metapb.PeerRole.Voter || peer.role === metapb.PeerRole.IncomingVoter;
}

/** The region as of `epoch`, where that is later: who learns of an end from others learns of it with its epoch. */
export function withLaterEpoch(region: metapb.Region, epoch: metapb.RegionEpoch | undefined): metapb.Region {
  if (epoch === undefined) return region;
  const known = epochOf(region);
  const regionEpoch = {
    confVer: Math.max(known.confVer, epoch.confVer),
    version: Math.max(known.version, epoch.version),
  };
  return { ...region, regionEpoch };
}
