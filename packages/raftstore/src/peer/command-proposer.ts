import { type errorpb, raft_cmdpb } from '@flotilla/protocol';
import { epochOfRequest } from '../apply/region-applier.ts';
import { splitRequestsOf } from '../apply/split.ts';
import { checkMachineKeys } from '../machine/machine-check.ts';
import { isInitialized } from '../region.ts';
import { failed, invalidRequest, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import { checkCommand, classifyCommand } from './command-check.ts';
import { transferLeader } from './leader-transfer.ts';
import { checkRoom, dropped, enqueue } from './log-proposal.ts';
import { proposeMembership } from './membership-proposer.ts';
import type { Peer } from './peer.ts';
import { checkReplicaRead, takeRead } from './read-admission.ts';
import { checkSplit } from './split-preparation.ts';

const { AdminCmdType } = raft_cmdpb;

/** Takes a command: a read waits for a ReadIndex round, a write goes into the log, whatever cannot be is answered at once. */
export function handleCommand(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): void {
  peer.hibernation.noteUse();
  const error = takeCommand(peer, request, reply);
  if (error === undefined) return;
  peer.context.metrics.refusedProposals += 1;
  reply(failed(error, peer.term));
}

/** Takes a command, or tells why not; then the caller answers. */
function takeCommand(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const { context, meta, region } = peer;
  const { isLeader, leader, term } = peer;
  if (request.header?.replicaRead === true && !isLeader && classifyCommand(request, context.config) === 'read') {
    return (
      checkReplicaRead(peer, request) ??
      checkMachineKeys(request, region, context.machines.kinds) ??
      takeRead(peer, request, reply)
    );
  }
  const refusal = checkCommand(request, {
    storeId: context.storeId,
    peerId: meta.id,
    region,
    regions: context.regions,
    isLeader: isLeader && isInitialized(region),
    leader,
    term,
  });
  if (refusal !== undefined) return refusal;
  const kind = classifyCommand(request, context.config);
  const keys = checkMachineKeys(request, region, context.machines.kinds);
  if (typeof kind === 'string' && keys !== undefined) return keys;
  if (kind === 'read') return takeRead(peer, request, reply);
  if (kind === 'write') {
    return context.disk.isFull ? serverIsBusy('disk full') : propose(peer, request, reply);
  }
  return kind === 'admin' ? takeAdmin(peer, request, reply) : kind;
}

function takeAdmin(peer: Peer, request: raft_cmdpb.RaftCmdRequest, reply: Reply): errorpb.Error | undefined {
  const admin = request.adminRequest;
  if (admin?.cmdType === AdminCmdType.CompactLog && admin.compactLog !== undefined) {
    return propose(peer, request, reply);
  }
  if (admin?.cmdType === AdminCmdType.ChangePeer || admin?.cmdType === AdminCmdType.ChangePeerV2) {
    return proposeMembership(peer, request, admin, reply);
  }
  if (admin?.cmdType === AdminCmdType.ComputeHash || admin?.cmdType === AdminCmdType.VerifyHash) {
    return propose(peer, request, reply);
  }
  if (admin?.cmdType === AdminCmdType.TransferLeader && admin.transferLeader?.peer !== undefined) {
    return transferLeader(peer, admin.transferLeader.peer, reply);
  }
  const parts = admin === undefined ? undefined : splitRequestsOf(admin);
  if (parts !== undefined) return checkSplit(peer, epochOfRequest(request), parts) ?? propose(peer, request, reply);
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
