import { unreachable } from '@flotilla/runtime';
import type { StepOutcome } from '../outcome.ts';
import { handleVote } from './election.ts';
import { stepFromLeader } from './follower.ts';
import type { RaftState } from './raft-state.ts';
import type { RoleMessage } from './role-message.ts';
import { becomeFollower } from './transition.ts';

/** Candidate and pre-candidate: handles a message of the present term, or a vote for the term asked about. */
export function stepCandidate(raft: RaftState, message: RoleMessage): StepOutcome {
  switch (message.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // Somebody else has won this term. Source: Raft paper, 5.2.
      becomeFollower(raft, raft.term, message.from);
      stepFromLeader(raft, message);
      return 'ok';
    case 'MsgVoteResp':
      if (raft.role === 'candidate') handleVote(raft, message);
      return 'ok';
    case 'MsgPreVoteResp':
      // Those of the campaign before may still arrive when the real election has begun.
      if (raft.role === 'preCandidate') handleVote(raft, message);
      return 'ok';
    case 'MsgProp':
      return 'proposalDropped';
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
    case 'MsgUnreachable':
    case 'MsgSnapStatus':
    case 'MsgTransferLeader':
    case 'MsgReadIndex':
    case 'MsgReadIndexResp':
    case 'MsgTimeoutNow':
    case 'MsgForgetLeader':
      return 'ok';
    default:
      return unreachable(message.type, 'message type');
  }
}
