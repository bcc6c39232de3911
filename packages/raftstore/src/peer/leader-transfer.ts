import { type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import type { ProgressStatus } from '@flotilla/raft';
import { findPeer, mayLead } from '../region.ts';
import { invalidRequest, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import type { Peer } from './peer.ts';

/**
 * Hands leadership to another peer, or tells why not. Answered at once: a transfer leaves no entry behind, and whether it
 * works shows in who leads next. Proposals are refused meanwhile, for an election timeout at most.
 */
export function transferLeader(peer: Peer, target: metapb.Peer, reply: Reply): errorpb.Error | undefined {
  const refusal = target.id === peer.meta.id ? undefined : checkTarget(peer, target.id);
  if (refusal !== undefined) return refusal;
  peer.node.transferLeader(target.id);
  reply({
    response: raft_cmdpb.RaftCmdResponse.create({
      header: raft_cmdpb.RaftResponseHeader.create({ currentTerm: peer.term }),
      adminResponse: raft_cmdpb.AdminResponse.create({
        cmdType: raft_cmdpb.AdminCmdType.TransferLeader,
        transferLeader: raft_cmdpb.TransferLeaderResponse.create(),
      }),
    }),
  });
  return undefined;
}

/** The voter that could lead soonest: alive, in no need of a snapshot, and with most of the log. */
export function bestSuccessor(peer: Peer): number | undefined {
  let best: ProgressStatus | undefined;
  for (const progress of successorsOf(peer)) {
    if (best === undefined || progress.match > best.match) best = progress;
  }
  return best?.id;
}

/** Of the voters that could lead, the next one after `id` in turn. */
export function successorAfter(peer: Peer, id: number): number | undefined {
  const ids = successorsOf(peer).map((progress) => progress.id);
  ids.sort((left, right) => left - right);
  return ids.find((one) => one > id) ?? ids[0];
}

function successorsOf(peer: Peer): ProgressStatus[] {
  return peer.node.status().progress.filter((progress) => {
    const member = findPeer(peer.region, progress.id);
    if (member === undefined || member.id === peer.meta.id || !mayLead(member)) return false;
    return isAlive(peer, progress) && !needsSnapshot(peer, progress);
  });
}

function checkTarget(peer: Peer, targetId: number): errorpb.Error | undefined {
  const field = 'adminRequest.transferLeader.peer';
  const member = findPeer(peer.region, targetId);
  if (member === undefined) return invalidRequest(field, `region ${peer.regionId} has no peer ${targetId}`);
  if (!mayLead(member)) return invalidRequest(field, `peer ${targetId} is no voter, or will be none soon`);
  const progress = peer.node.status().progress.find(({ id }) => id === targetId);
  if (progress === undefined) return serverIsBusy(`peer ${targetId} is not followed yet`);
  if (!isAlive(peer, progress)) return serverIsBusy(`peer ${targetId} has not been heard of lately`);
  if (needsSnapshot(peer, progress)) return serverIsBusy(`peer ${targetId} needs a snapshot first`);
  const lag = peer.node.lastIndex - progress.match;
  if (lag <= peer.context.config.maxTransferLagEntries) return undefined;
  return serverIsBusy(`peer ${targetId} is ${lag} entries behind`);
}

/** Whether something came from the peer within an election timeout: by then a quorum check would count it as lost. */
function isAlive(peer: Peer, { inactiveTicks }: ProgressStatus): boolean {
  return inactiveTicks <= peer.context.config.electionTicks;
}

function needsSnapshot(peer: Peer, { match, state }: ProgressStatus): boolean {
  return state === 'snapshot' || match < peer.storage.truncated.index;
}
