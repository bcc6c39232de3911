import { flotillapb, type metapb, schedulerpb } from '@flotilla/protocol';
import { findPeer } from '../region.ts';
import type { Peer } from './peer.ts';

/** What a leader tells the scheduler about its region; what it tells of the flow it tells once. */
export function regionHeartbeatOf(peer: Peer): schedulerpb.RegionHeartbeatRequest {
  return schedulerpb.RegionHeartbeatRequest.create({
    header: { clusterId: peer.context.clusterId },
    region: peer.region,
    leader: peer.meta,
    pendingPeers: pendingPeersOf(peer),
    downPeers: downPeersOf(peer),
    approximateSize: peer.splitCheck.size?.bytes ?? 0,
    approximateKeys: peer.splitCheck.size?.keys ?? 0,
    term: peer.term,
    flow: peer.flow.take(peer.context.runtime.clock.monotonicMs()),
  });
}

/** Members that the leader's log no longer reaches: they need a snapshot before they count for anything. */
export function pendingPeersOf(peer: Peer): metapb.Peer[] {
  const matches = new Map(peer.node.status().progress.map(({ id, match }) => [id, match]));
  const { index } = peer.storage.truncated;
  return peer.region.peers.filter(({ id }) => id !== peer.meta.id && (matches.get(id) ?? 0) < index);
}

/** Members that the leader has not heard of for long, and for how long, by its ticks. */
export function downPeersOf(peer: Peer): schedulerpb.DownPeer[] {
  const { maxPeerDownMs, tickIntervalMs } = peer.context.config;
  const down: schedulerpb.DownPeer[] = [];
  for (const { id, inactiveTicks } of peer.node.status().progress) {
    const member = id === peer.meta.id ? undefined : findPeer(peer.region, id);
    if (member === undefined) continue;
    // While the region hibernates its leader counts no ticks, and its members' stores speak for all of their peers.
    const silentTicks = peer.hibernation.isAsleep ? peer.context.liveness.silentTicks(member.storeId) : 0;
    const downMs = Math.max(inactiveTicks, silentTicks) * tickIntervalMs;
    if (downMs >= maxPeerDownMs) down.push({ peer: member, downSeconds: Math.floor(downMs / 1000) });
  }
  return down;
}

/** The peer as `status` shows it. */
export function regionStatusOf(peer: Peer): flotillapb.RegionStatus {
  return flotillapb.RegionStatus.create({
    region: peer.region,
    peer: peer.meta,
    leader: peer.leader,
    role: roles[peer.node.role],
    term: peer.term,
    commitIndex: peer.node.commit,
    appliedIndex: peer.appliedIndex,
    firstIndex: peer.storage.firstIndex(),
    lastIndex: peer.storage.lastIndex(),
    isInconsistent: peer.context.consistency.isInconsistent(peer.regionId),
    approximateSize: peer.splitCheck.size?.bytes ?? 0,
  });
}

const { RaftRole } = flotillapb;
const roles = {
  follower: RaftRole.Follower,
  preCandidate: RaftRole.PreCandidate,
  candidate: RaftRole.Candidate,
  leader: RaftRole.Leader,
} as const;
