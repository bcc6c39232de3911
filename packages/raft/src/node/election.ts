import type { Message } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import { voterIds } from '../tracker/membership.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { broadcastAppend } from './replication.ts';
import { isTransferCampaign, transferContext } from './transfer.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './transition.ts';

/** Why a node campaigns: its timeout ran out (or it was asked to by its caller), or the leader told it to. */
export type CampaignReason = 'timeout' | 'transfer';

/** Entries that the search for unapplied changes of membership reads at a time, in encoded bytes. */
const scanBytes = 64 * 1024;

/** Campaigns if this node may: it does not lead, it votes, and it has applied every committed change of membership. */
export function startElection(raft: RaftState, reason: CampaignReason): void {
  if (raft.role === 'leader' || !raft.isPromotable() || hasUnappliedConfChange(raft)) return;
  // A leader that hands over has made sure that the campaign can be won.
  if (raft.config.preVote && reason === 'timeout') campaign(raft, 'MsgPreVote', reason);
  else campaign(raft, 'MsgVote', reason);
}

/**
 * Answers a request for a vote or a pre-vote.
 *
 * Granted if this node has voted for the candidate already, or has no vote and follows no leader, or would enter a new term
 * for it; and if the candidate's log is at least as complete. Learners grant too: they may have been made voters by entries
 * that they do not have yet.
 *
 * Source: Raft paper, 5.2 and 5.4.1; thesis 9.6.
 */
export function handleVoteRequest(raft: RaftState, message: Message): void {
  const isPreVote = message.type === 'MsgPreVote';
  const mayVote =
    raft.vote === message.from || (raft.vote === 0 && raft.leader === 0) || (isPreVote && message.term > raft.term);
  const answer = draftMessage(isPreVote ? 'MsgPreVoteResp' : 'MsgVoteResp', message.from);
  if (mayVote && raft.log.isUpToDate(message.index, message.logTerm)) {
    // Of the request, not the own one: a pre-candidate asks about a term that nobody is in yet.
    answer.term = message.term;
    if (!isPreVote) {
      raft.electionElapsed = 0;
      raft.vote = message.from;
    }
  } else {
    answer.term = raft.term;
    answer.reject = true;
  }
  send(raft, answer);
}

/** Whether a campaign is to be ignored because this node hears from a leader. Source: Raft paper, section 6; thesis 4.2.3. */
export function isWithinLease(raft: RaftState, request: Message): boolean {
  if (!raft.config.checkQuorum || isTransferCampaign(request)) return false;
  if (raft.quietTicks > 0) return true;
  return raft.leader !== 0 && raft.electionElapsed < raft.config.electionTick;
}

/** Candidate and pre-candidate: counts a vote, and moves on when the election is decided. */
export function handleVote(raft: RaftState, message: Message): void {
  raft.tracker.recordVote(message.from, !message.reject);
  switch (raft.tracker.voteResult()) {
    case 'won':
      if (raft.role === 'preCandidate') {
        campaign(raft, 'MsgVote', 'timeout');
        return;
      }
      becomeLeader(raft);
      raft.logger.info('elected leader', { term: raft.term });
      broadcastAppend(raft);
      return;
    case 'lost':
      becomeFollower(raft, raft.term, 0);
      return;
    case 'pending':
  }
}

function campaign(raft: RaftState, type: 'MsgVote' | 'MsgPreVote', reason: CampaignReason): void {
  if (type === 'MsgPreVote') becomePreCandidate(raft);
  else becomeCandidate(raft);
  const term = type === 'MsgPreVote' ? raft.term + 1 : raft.term;
  const lastIndex = raft.log.lastIndex();
  const lastTerm = raft.log.lastTerm();
  for (const id of voterIds(raft.tracker.membership)) {
    if (id === raft.id) {
      // The own vote counts when it is durable, like those of the others.
      const vote = draftMessage(type === 'MsgPreVote' ? 'MsgPreVoteResp' : 'MsgVoteResp', id);
      vote.term = term;
      send(raft, vote);
      continue;
    }
    const request = draftMessage(type, id);
    request.term = term;
    request.index = lastIndex;
    request.logTerm = lastTerm;
    if (reason === 'transfer') request.context = transferContext();
    send(raft, request);
  }
}

/** A node that campaigns under an outdated configuration could be elected by a quorum that no longer is one. */
function hasUnappliedConfChange(raft: RaftState): boolean {
  const { log } = raft;
  let low = log.applied + 1;
  const end = log.committed + 1;
  while (low < end) {
    const entries = log.entries(low, end, scanBytes);
    // Behind a snapshot that is not stored yet there is nothing to read.
    if (entries === 'compacted') return true;
    for (const entry of entries) if (entry.type !== 'normal') return true;
    low += entries.length;
  }
  return false;
}
