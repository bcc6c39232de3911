import { eraftpb, type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import { checkChangePeer } from '../apply/region-applier.ts';
import { findPeer, isInitialized } from '../region.ts';
import { failed, invalidRequest, notLeader, raftEntryTooLarge, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import { checkCommand, classifyCommand } from './command-check.ts';
import type { Peer } from './peer.ts';

const { AdminCmdType } = raft_cmdpb;

/** Takes a command: a read waits for a ReadIndex round, a write goes into the log, whatever cannot be is answered at once. */
export function handleCommand(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): void {
  const error = takeCommand(peer, request, reply);
  if (error === undefined) return;
  peer.context.metrics.refusedProposals += 1;
  reply(failed(error, peer.term));
}

/** Takes a command, or tells why not; then the caller answers. */
function takeCommand(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const { context, meta, region } = peer;
  const { isLeader, leader, term } = peer;
  const refusal = checkCommand(request, {
    storeId: context.storeId,
    peerId: meta.id,
    region,
    isLeader: isLeader && isInitialized(region),
    leader,
    term,
  });
  if (refusal !== undefined) return refusal;
  const kind = classifyCommand(request, context.config);
  if (kind === 'read') return takeRead(peer, request, reply);
  if (kind === 'write') return propose(peer, request, reply);
  return kind === 'admin' ? takeAdmin(peer, request, reply) : kind;
}

function takeRead(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const { config, runtime } = peer.context;
  if (peer.reads.length >= config.maxPendingReads) return serverIsBusy('too many reads of the region are under way');
  peer.reads.push({ request, reply, receivedAtMs: runtime.clock.monotonicMs() });
  return undefined;
}

function takeAdmin(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const admin = request.adminRequest;
  if (admin?.cmdType === AdminCmdType.CompactLog && admin.compactLog !== undefined) {
    return propose(peer, request, reply);
  }
  if (admin?.cmdType === AdminCmdType.ChangePeer && admin.changePeer?.peer !== undefined) {
    return proposeChangePeer(peer, request, admin.changePeer.changeType, admin.changePeer.peer, reply);
  }
  if (admin?.cmdType === AdminCmdType.TransferLeader && admin.transferLeader?.peer !== undefined) {
    return transferLeader(peer, admin.transferLeader.peer, reply);
  }
  return invalidRequest('adminRequest.cmdType', 'not an admin command that this store knows');
}

function propose(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const data = raft_cmdpb.RaftCmdRequest.encode(request);
  const refusal = checkRoom(peer, data.length);
  if (refusal !== undefined) return refusal;
  if (peer.node.propose(data) !== 'accepted') return dropped(peer);
  enqueue(peer, request, reply);
  return undefined;
}

/**
 * Membership changes one peer at a time. A leader does not propose its own removal: it would have to commit an entry with a
 * quorum it is no part of, and of two peers the other might never learn of the commit. It hands leadership over and
 * whoever asked asks the next leader.
 */
function proposeChangePeer(
  peer: Peer,
  request: raft_cmdpb.RaftCmdRequest,
  changeType: eraftpb.ConfChangeType,
  changed: metapb.Peer,
  reply: Reply,
): errorpb.Error | undefined {
  const refusal = checkChangePeer(peer.region, changeType, changed);
  if (refusal !== undefined) return refusal;
  const isRemoval = changeType === eraftpb.ConfChangeType.RemoveNode;
  if (isRemoval && changed.id === peer.meta.id) {
    const successor = bestSuccessor(peer);
    if (successor !== undefined) peer.node.transferLeader(successor);
    return serverIsBusy('the leader hands leadership over before it is removed');
  }
  if (isRemoval && !canDoWithout(peer, changed.id)) {
    return serverIsBusy('without that peer too few would be alive to go on');
  }
  const context = raft_cmdpb.RaftCmdRequest.encode(request);
  const busy = checkRoom(peer, context.length);
  if (busy !== undefined) return busy;
  const outcome = peer.node.proposeConfChange(
    { transition: 'auto', steps: [{ kind: isRemoval ? 'remove' : 'addVoter', nodeId: changed.id }], context },
    'confChange',
  );
  if (outcome === 'confChangeRefused') return serverIsBusy('another membership change is under way');
  if (outcome !== 'accepted') return dropped(peer);
  enqueue(peer, request, reply);
  return undefined;
}

/** Whether the voters that would be left have a majority that was heard from lately: else nothing could be committed. */
function canDoWithout(peer: Peer, removedId: number): boolean {
  const left = peer.node.status().progress.filter(({ id, isLearner }) => id !== removedId && !isLearner);
  const alive = left.filter(({ id, recentActive }) => id === peer.meta.id || recentActive);
  return alive.length * 2 > left.length;
}

/** Answered at once: a transfer leaves no entry behind. Whether it works shows in who leads next. */
function transferLeader(peer: Peer, target: metapb.Peer, reply: Reply): errorpb.Error | undefined {
  if (findPeer(peer.region, target.id) === undefined) {
    return invalidRequest('adminRequest.transferLeader.peer', `region ${peer.regionId} has no peer ${target.id}`);
  }
  peer.node.transferLeader(target.id);
  reply({
    response: raft_cmdpb.RaftCmdResponse.create({
      header: raft_cmdpb.RaftResponseHeader.create({ currentTerm: peer.term }),
      adminResponse: raft_cmdpb.AdminResponse.create({
        cmdType: AdminCmdType.TransferLeader,
        transferLeader: raft_cmdpb.TransferLeaderResponse.create(),
      }),
    }),
  });
  return undefined;
}

/** The voter that could lead soonest: alive and with most of the log. */
export function bestSuccessor(peer: Peer): number | undefined {
  let best: { readonly id: number; readonly match: number } | undefined;
  for (const { id, match, isLearner, recentActive } of peer.node.status().progress) {
    if (id === peer.meta.id || isLearner || !recentActive) continue;
    if (best === undefined || match > best.match) best = { id, match };
  }
  return best?.id;
}

/** Size and room, checked last: everything before costs nothing to answer. */
function checkRoom(peer: Peer, entryBytes: number): errorpb.Error | undefined {
  const { applyQueue, config } = peer.context;
  if (entryBytes > config.maxEntryBytes) return raftEntryTooLarge(peer.regionId, entryBytes, config.maxEntryBytes);
  if (peer.proposals.length >= config.maxPendingProposals) {
    return serverIsBusy('too many proposals of the region are under way');
  }
  if (applyQueue.bytes >= config.maxApplyQueueBytes) return serverIsBusy('the apply queue is full');
  return undefined;
}

function enqueue(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): void {
  const { metrics, runtime } = peer.context;
  metrics.proposals += 1;
  const proposedAtMs = runtime.clock.monotonicMs();
  peer.proposals.push({ index: peer.node.lastIndex, term: peer.term, request, reply, proposedAtMs });
}

/** Why the core did not take a proposal. */
function dropped(peer: Peer): errorpb.Error {
  if (!peer.isLeader) return notLeader(peer.regionId, peer.leader);
  return serverIsBusy('leadership is being transferred, or too much is uncommitted');
}
