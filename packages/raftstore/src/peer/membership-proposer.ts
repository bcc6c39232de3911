import { type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import { adminCommand } from '../admin-command.ts';
import { changeMembers, memberChangesOf, toConfChange } from '../membership/member-change.ts';
import { confStateOf, findPeer, isJoint, mayLead } from '../region.ts';
import { serverIsBusy } from '../region-error.ts';
import { ignoreReply, type Reply } from '../reply.ts';
import { bestSuccessor } from './leader-transfer.ts';
import { checkRoom, dropped, enqueue } from './log-proposal.ts';
import type { Peer } from './peer.ts';

/**
 * Proposes a change of membership, or tells why not.
 *
 * A leader does not propose its own removal or demotion: it would have to commit an entry with a quorum it is no part of,
 * and of two peers the other might never learn of the commit. It hands leadership over and whoever asked asks the next
 * leader.
 */
export function proposeMembership(
  peer: Peer,
  request: raft_cmdpb.RaftCmdRequest,
  admin: raft_cmdpb.AdminRequest,
  reply: Reply,
): errorpb.Error | undefined {
  const asked = memberChangesOf(admin);
  if (asked.type === 'refused') return asked.error;
  const outcome = changeMembers(peer.region, asked.changes);
  if (outcome.type === 'refused') return outcome.error;
  // Refused by the core it would leave an empty entry behind each time that it is asked for.
  if (peer.node.hasPendingConfChange) return serverIsBusy('another membership change is under way');
  const self = findPeer(outcome.region, peer.meta.id);
  const isLeaving = asked.changes.length === 0;
  // Once joint, the leader leaves it whatever that makes of itself: others could not lead on either without doing so.
  if (!isLeaving && (self === undefined || !mayLead(self))) {
    const successor = bestSuccessor(peer);
    if (successor !== undefined) peer.node.transferLeader(successor);
    return serverIsBusy('the leader hands leadership over before it is removed or demoted');
  }
  if (!isLeaving && !peer.context.config.allowUnsafeMemberChanges && !keepsQuorum(peer, outcome.region)) {
    return serverIsBusy('too few voters would be alive and caught up to go on; add a learner first, then promote it');
  }
  const data = raft_cmdpb.RaftCmdRequest.encode(request);
  const busy = checkRoom(peer, data.length);
  if (busy !== undefined) return busy;
  const type = admin.cmdType === raft_cmdpb.AdminCmdType.ChangePeer ? 'confChange' : 'confChangeV2';
  const proposed = peer.node.proposeConfChange(toConfChange(asked.changes, data), type);
  if (proposed === 'confChangeRefused') return serverIsBusy('the change does not fit the configuration in force');
  if (proposed !== 'accepted') return dropped(peer);
  enqueue(peer, request, reply);
  return undefined;
}

/**
 * Leaves a joint configuration that is still there: the leader's own proposal to do so is dropped while leadership is being
 * handed over, and made again only when another entry is applied.
 */
export function leaveJointSoon(peer: Peer): void {
  const { meta, region, regionId } = peer;
  if (!peer.isLeader || !isJoint(region) || peer.node.hasPendingConfChange) return;
  const { ChangePeerV2: cmdType } = raft_cmdpb.AdminCmdType;
  const target = { regionId, peer: meta, regionEpoch: region.regionEpoch };
  const request = adminCommand(target, { cmdType, changePeerV2: { changes: [] } });
  peer.handle({ type: 'raftCommand', request, reply: ignoreReply });
}

/**
 * Whether the voters that a change leaves have a majority that is alive and needs no snapshot, in both halves while joint:
 * else nothing could be committed, nor the change be taken back. A second voter is therefore added as a learner first.
 */
function keepsQuorum(peer: Peer, changed: metapb.Region): boolean {
  const before = confStateOf(peer.region);
  const after = confStateOf(changed);
  const isSameVoters = String(before.voters) === String(after.voters) && before.votersOutgoing.length === 0;
  if (isSameVoters && after.votersOutgoing.length === 0) return true;
  const { allowBlankSecondVoter, electionTicks } = peer.context.config;
  if (allowBlankSecondVoter && before.voters.length === 1 && before.votersOutgoing.length === 0) return true;
  const truncatedIndex = peer.storage.truncated.index;
  const healthy = new Set([peer.meta.id]);
  for (const { id, inactiveTicks, match } of peer.node.status().progress) {
    if (inactiveTicks <= electionTicks && match >= truncatedIndex) healthy.add(id);
  }
  return [after.voters, after.votersOutgoing].every(
    (half) => half.length === 0 || half.filter((id) => healthy.has(id)).length * 2 > half.length,
  );
}
