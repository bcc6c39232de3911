import { unreachable } from '@flotilla/runtime';
import type { Message } from '../message.ts';
import type { MessageDraft } from '../message-draft.ts';
import type { StepOutcome } from '../outcome.ts';
import { startElection } from './election.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { readContext } from './reading.ts';
import { handleAppend, handleHeartbeat } from './replication.ts';
import type { RoleMessage } from './role-message.ts';
import { handleSnapshot } from './snapshotting.ts';

/** Follower: handles a message of the present term. */
export function stepFollower(raft: RaftState, message: RoleMessage): StepOutcome {
  switch (message.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      raft.electionElapsed = 0;
      raft.leader = message.from;
      stepFromLeader(raft, message);
      return 'ok';
    case 'MsgProp':
      if (raft.leader === 0 || raft.config.disableProposalForwarding) return 'proposalDropped';
      forward(raft, message);
      return 'ok';
    case 'MsgReadIndex':
    case 'MsgTransferLeader':
      if (raft.leader !== 0) forward(raft, message);
      return 'ok';
    case 'MsgReadIndexResp': {
      const context = readContext(message);
      if (context !== undefined) raft.readStates.push({ index: message.index, context });
      return 'ok';
    }
    case 'MsgTimeoutNow':
      startElection(raft, 'transfer');
      return 'ok';
    case 'MsgForgetLeader':
      // A lease-based leader relies on its followers' silence towards others.
      if (raft.config.readOnly !== 'leaseBased') raft.leader = 0;
      return 'ok';
    case 'MsgAppResp':
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
    case 'MsgHeartbeatResp':
    case 'MsgUnreachable':
    case 'MsgSnapStatus':
      return 'ok';
    default:
      return unreachable(message.type, 'message type');
  }
}

/** Handles what only a leader sends; the receiver follows it already. */
export function stepFromLeader(raft: RaftState, message: Message): void {
  if (message.type === 'MsgApp') handleAppend(raft, message);
  else if (message.type === 'MsgHeartbeat') handleHeartbeat(raft, message);
  else handleSnapshot(raft, message);
}

/** Follower, candidate and pre-candidate: one tick. */
export function tickElection(raft: RaftState): void {
  raft.electionElapsed += 1;
  if (raft.quietTicks > 0) raft.quietTicks -= 1;
  if (raft.electionElapsed < raft.electionTimeout || !raft.isPromotable()) return;
  raft.electionElapsed = 0;
  startElection(raft, 'timeout');
}

/** Passes a request on to the leader; its sender stays the one who asks. */
function forward(raft: RaftState, message: Message): void {
  const copy: MessageDraft = { ...message, to: raft.leader, term: 0 };
  send(raft, copy);
}
