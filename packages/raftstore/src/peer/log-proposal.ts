import type { errorpb, raft_cmdpb } from '@flotilla/protocol';
import { notLeader, raftEntryTooLarge, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import { CommitWatch } from './commit-watch.ts';
import type { Peer } from './peer.ts';

/** Size and room, checked last: everything before costs nothing to answer. */
export function checkRoom(peer: Peer, entryBytes: number): errorpb.Error | undefined {
  const { applyQueue, config } = peer.context;
  if (entryBytes > config.maxEntryBytes) return raftEntryTooLarge(peer.regionId, entryBytes, config.maxEntryBytes);
  if (peer.proposals.length >= config.maxPendingProposals) {
    return serverIsBusy('too many proposals of the region are under way');
  }
  if (peer.ticker.commitWatch.isStalled(peer)) return serverIsBusy(CommitWatch.reason);
  if (applyQueue.bytes >= config.maxApplyQueueBytes) return serverIsBusy('the apply queue is full');
  return undefined;
}

/** Has the command that the core has just taken wait for its entry. */
export function enqueue(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): void {
  const { metrics, runtime } = peer.context;
  metrics.proposals += 1;
  const proposedAtMs = runtime.clock.monotonicMs();
  peer.proposals.push({ index: peer.node.lastIndex, term: peer.term, request, reply, proposedAtMs });
}

/** Why the core did not take a proposal. */
export function dropped(peer: Peer): errorpb.Error {
  if (!peer.isLeader) return notLeader(peer.regionId, peer.leader);
  return serverIsBusy('leadership is being transferred, or too much is uncommitted');
}
