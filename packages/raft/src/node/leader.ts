import { unreachable } from '@flotilla/runtime';
import type { Message } from '../message.ts';
import type { StepOutcome } from '../outcome.ts';
import type { Progress } from '../tracker/progress.ts';
import { propose } from './proposal.ts';
import type { RaftState } from './raft-state.ts';
import { acceptRead, beginPostponedReads, readContext, recordReadAck } from './reading.ts';
import { advanceCommit, announce, broadcastHeartbeat, sendAppend, trySendAppend } from './replication.ts';
import type { RoleMessage } from './role-message.ts';
import { handleSnapshotStatus } from './snapshotting.ts';
import { abortTransfer, handleTransfer, sendTimeoutNow } from './transfer.ts';
import { becomeFollower } from './transition.ts';
import { commitFor } from './withholding.ts';

/** Leader: handles a message of the present term. */
export function stepLeader(raft: RaftState, message: RoleMessage): StepOutcome {
  switch (message.type) {
    case 'MsgProp':
      return propose(raft, message.entries);
    case 'MsgReadIndex': {
      const context = readContext(message);
      if (context !== undefined) acceptRead(raft, { from: message.from, context });
      return 'ok';
    }
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
    case 'MsgUnreachable':
    case 'MsgSnapStatus':
    case 'MsgTransferLeader': {
      const progress = raft.tracker.progress(message.from);
      if (progress !== undefined) stepFromMember(raft, progress, message);
      return 'ok';
    }
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // There is one leader in a term, and this is it. Source: Raft paper, figure 3, election safety.
      raft.logger.error('another leader in the same term', { term: raft.term, from: message.from });
      return 'ok';
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
    case 'MsgReadIndexResp':
    case 'MsgTimeoutNow':
    case 'MsgForgetLeader':
      return 'ok';
    default:
      return unreachable(message.type, 'message type');
  }
}

/** Leader: one tick. */
export function tickLeader(raft: RaftState): void {
  raft.electionElapsed += 1;
  raft.heartbeatElapsed += 1;
  if (raft.electionElapsed >= raft.config.electionTick) {
    raft.electionElapsed = 0;
    if (raft.config.checkQuorum && !keepsQuorum(raft)) return;
    abortTransfer(raft);
  }
  if (raft.heartbeatElapsed >= raft.config.heartbeatTick) {
    heartbeat(raft);
  }
}

/** Leader: sends a heartbeat to every member. */
export function heartbeat(raft: RaftState): void {
  raft.heartbeatElapsed = 0;
  broadcastHeartbeat(raft, raft.config.numberHeartbeats ? raft.reads.beginRound() : raft.reads.heartbeatContext());
}

/** Steps down unless a quorum was active since the last check. Source: thesis 6.2. */
function keepsQuorum(raft: RaftState): boolean {
  if (!raft.tracker.isQuorumActive(raft.id)) {
    raft.logger.warn('stepping down: no quorum is active', { term: raft.term });
    becomeFollower(raft, raft.term, 0);
    return false;
  }
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) progress.recentActive = false;
  return true;
}

function stepFromMember(raft: RaftState, progress: Progress, message: Message): void {
  switch (message.type) {
    case 'MsgAppResp':
      progress.recentActive = true;
      progress.activeTick = raft.ticks;
      if (message.reject) handleRejection(raft, progress, message);
      else handleAcknowledgement(raft, progress, message);
      return;
    case 'MsgHeartbeatResp':
      progress.recentActive = true;
      progress.activeTick = raft.ticks;
      progress.flowPaused = false;
      if (progress.match < raft.log.lastIndex() || progress.state === 'probe') sendAppend(raft, progress);
      recordReadAck(raft, message);
      return;
    case 'MsgUnreachable':
      // What was sent ahead may be lost: find out what arrived before sending more.
      if (progress.state === 'replicate') progress.becomeProbe();
      return;
    case 'MsgSnapStatus':
      handleSnapshotStatus(progress, message.reject);
      return;
    case 'MsgTransferLeader':
      handleTransfer(raft, progress);
      return;
    default:
  }
}

function handleRejection(raft: RaftState, progress: Progress, message: Message): void {
  // Own entries of a later term than the follower's at the hint cannot match there either: skip those too.
  const hint =
    message.logTerm > 0 ? raft.log.findConflictByTerm(message.rejectHint, message.logTerm).index : message.rejectHint;
  if (!progress.lowerNext(message.index, hint)) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  sendAppend(raft, progress);
}

function handleAcknowledgement(raft: RaftState, progress: Progress, message: Message): void {
  const isNews = progress.raiseMatch(message.index);
  // An acknowledgement of what was known still ends probing: it is the answer to an empty append.
  if (!isNews && !(progress.match === message.index && progress.state === 'probe')) return;
  switch (progress.state) {
    case 'probe':
      progress.becomeReplicate();
      break;
    case 'snapshot':
      // Whatever became of the snapshot, the log reaches the follower again.
      if (progress.match + 1 >= raft.log.firstIndex()) progress.becomeReplicate();
      break;
    case 'replicate':
      progress.inflights.freeThrough(message.index);
      break;
    default:
      unreachable(progress.state, 'progress state');
  }
  const isSelf = progress.id === raft.id;
  if (advanceCommit(raft)) {
    beginPostponedReads(raft);
    announce(raft);
  } else if (!isSelf && progress.canBumpCommit(commitFor(raft, progress))) {
    if (raft.config.batchAppends) raft.appendsDue = true;
    else sendAppend(raft, progress);
  }
  if (isSelf) return;
  // Room for one message of the window may be room for several.
  if (raft.config.batchAppends) raft.appendsDue ||= progress.next <= raft.log.lastIndex();
  else while (trySendAppend(raft, progress, false));
  if (progress.id === raft.transferee && progress.match === raft.log.lastIndex()) sendTimeoutNow(raft, progress.id);
}
