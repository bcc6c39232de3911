import { assert, unreachable } from '@flotilla/runtime';
import type { Message } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import type { StepOutcome } from '../outcome.ts';
import { handleApplied, handleStored } from './applying.ts';
import { stepCandidate } from './candidate.ts';
import { handleVoteRequest, isWithinLease, startElection } from './election.ts';
import { stepFollower, tickElection } from './follower.ts';
import { stepLeader, tickLeader } from './leader.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import type { RoleMessage } from './role-message.ts';
import { becomeFollower } from './transition.ts';

/** Takes in a message: settles the term first, then hands it to whom it concerns. */
export function step(raft: RaftState, message: Message): StepOutcome {
  // Term 0 is of no term: the node's own, or a request to whoever leads.
  if (message.term !== 0 && message.term !== raft.term && !settleTerm(raft, message)) return 'ok';
  switch (message.type) {
    case 'MsgHup':
      startElection(raft, 'timeout');
      return 'ok';
    case 'MsgVote':
    case 'MsgPreVote':
      handleVoteRequest(raft, message);
      return 'ok';
    case 'MsgStorageAppendResp':
      handleStored(raft, message);
      return 'ok';
    case 'MsgStorageApplyResp':
      handleApplied(raft, message.entries);
      return 'ok';
    case 'MsgBeat':
    case 'MsgCheckQuorum':
    case 'MsgStorageAppend':
    case 'MsgStorageApply':
      assert(false, 'a message that is never stepped', { type: message.type });
      return 'ok';
    default:
      return stepRole(raft, message as RoleMessage);
  }
}

/** One tick of the clock. */
export function tick(raft: RaftState): void {
  raft.ticks += 1;
  if (raft.role === 'leader') tickLeader(raft);
  else tickElection(raft);
}

function stepRole(raft: RaftState, message: RoleMessage): StepOutcome {
  switch (raft.role) {
    case 'follower':
      return stepFollower(raft, message);
    case 'preCandidate':
    case 'candidate':
      return stepCandidate(raft, message);
    case 'leader':
      return stepLeader(raft, message);
    default:
      return unreachable(raft.role, 'role');
  }
}

/** Compares terms; false when the message goes no further. Source: Raft paper, figure 2, "rules for servers". */
function settleTerm(raft: RaftState, message: Message): boolean {
  return message.term > raft.term ? enterTerm(raft, message) : answerStaleTerm(raft, message);
}

function enterTerm(raft: RaftState, message: Message): boolean {
  switch (message.type) {
    case 'MsgVote':
      if (isWithinLease(raft, message)) return false;
      becomeFollower(raft, message.term, 0);
      return true;
    case 'MsgPreVote':
      // Asks about a term, without being in it.
      return !isWithinLease(raft, message);
    case 'MsgPreVoteResp':
      // A grant echoes the term that was asked about; a rejection tells of a real one.
      if (message.reject) becomeFollower(raft, message.term, 0);
      return true;
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      becomeFollower(raft, message.term, message.from);
      return true;
    default:
      becomeFollower(raft, message.term, 0);
      return true;
  }
}

function answerStaleTerm(raft: RaftState, message: Message): boolean {
  switch (message.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
      // A node that was cut off may have reached a higher term, in which nobody hears its campaigns. The old leader must
      // learn of it, or both are stuck.
      if (raft.config.checkQuorum || raft.config.preVote) send(raft, draftMessage('MsgAppResp', message.from));
      return false;
    case 'MsgPreVote': {
      const answer = draftMessage('MsgPreVoteResp', message.from);
      answer.term = raft.term;
      answer.reject = true;
      send(raft, answer);
      return false;
    }
    case 'MsgStorageAppendResp':
      return true;
    default:
      return false;
  }
}
