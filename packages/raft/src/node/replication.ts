import { payloadSize } from '../log/entry-size.ts';
import type { Message } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import type { Progress } from '../tracker/progress.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { sendSnapshot } from './snapshotting.ts';
import { commitFor, withholdRemovals } from './withholding.ts';

/** Sends an append, empty when there is nothing new: it still probes, and tells the commit index. */
export function sendAppend(raft: RaftState, progress: Progress): void {
  trySendAppend(raft, progress, true);
}

/**
 * Sends what follows `progress.next`, or a snapshot if that is gone. False when nothing was sent: the flow is paused, or
 * there is nothing to send and `sendIfEmpty` is not set.
 */
export function trySendAppend(raft: RaftState, progress: Progress, sendIfEmpty: boolean): boolean {
  if (progress.isPaused()) return false;
  const previous = progress.next - 1;
  const previousTerm = raft.log.term(previous);
  if (typeof previousTerm !== 'number') return sendSnapshot(raft, progress);
  const message = draftMessage('MsgApp', progress.id);
  // A full window sends no entries, but an empty append still goes through: its answer may show that the log is behind.
  if (progress.state !== 'replicate' || !progress.inflights.isFull()) {
    const entries = raft.log.entriesFrom(progress.next, raft.config.maxSizePerMessage);
    if (entries === 'compacted') return sendSnapshot(raft, progress);
    message.entries = entries;
  }
  const count = message.entries.length;
  if (count === 0 && !sendIfEmpty) return false;
  message.index = previous;
  message.logTerm = previousTerm;
  message.commit = commitFor(raft, progress);
  send(raft, message);
  progress.recordSent(count, count > 0 ? payloadSize(message.entries) : 0);
  progress.recordSentCommit(message.commit);
  return true;
}

/** Sends an append to every other member. */
export function broadcastAppend(raft: RaftState): void {
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) sendAppend(raft, progress);
}

/** Sends an append to every other member, now or with the next Ready. */
export function announce(raft: RaftState): void {
  if (raft.config.batchAppends) raft.appendsDue = true;
  else broadcastAppend(raft);
}

/** Sends what was put off to the next Ready: entries as far as the windows allow, else the commit index to whom it is news. */
export function sendDueAppends(raft: RaftState): void {
  if (!raft.appendsDue) return;
  raft.appendsDue = false;
  if (raft.role !== 'leader') return;
  for (const progress of raft.tracker.members) {
    if (progress.id === raft.id) continue;
    let isSent = false;
    while (trySendAppend(raft, progress, false)) isSent = true;
    if (!isSent && progress.canBumpCommit(commitFor(raft, progress))) sendAppend(raft, progress);
  }
}

/** Sends what there is to every other member that has not got it. */
export function broadcastNewEntries(raft: RaftState): void {
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) trySendAppend(raft, progress, false);
}

/** Sends a heartbeat to every other member; `context` is echoed. */
export function broadcastHeartbeat(raft: RaftState, context: Uint8Array | undefined): void {
  for (const progress of raft.tracker.members) {
    if (progress.id === raft.id) continue;
    const message = draftMessage('MsgHeartbeat', progress.id);
    // Not beyond what is known to match: behind that, the follower may hold other entries.
    message.commit = Math.min(progress.match, commitFor(raft, progress));
    message.context = context;
    send(raft, message);
    progress.recordSentCommit(message.commit);
  }
}

/**
 * Raises the commit index to what a quorum has stored; true when it rose.
 *
 * Only an entry of the own term is committed by counting, and those before it with it.
 *
 * Source: Raft paper, 5.4.2 and figure 8.
 */
export function advanceCommit(raft: RaftState): boolean {
  const index = raft.tracker.committedIndex();
  if (index <= raft.log.committed || !raft.log.matchesTerm(index, raft.term)) return false;
  const before = raft.log.committed;
  raft.log.commitTo(index);
  withholdRemovals(raft, before);
  return true;
}

/** Whether this leader knows the commit index: it has committed an entry of its own term. */
export function hasCommittedInTerm(raft: RaftState): boolean {
  return raft.log.matchesTerm(raft.log.committed, raft.term);
}

/** Follower: takes in an append, and answers with the index through which the logs agree, or where they may. */
export function handleAppend(raft: RaftState, message: Message): void {
  const { log } = raft;
  const answer = draftMessage('MsgAppResp', message.from);
  const end = message.index + message.entries.length;
  if (message.index < log.committed) {
    answer.index = log.committed;
  } else if (log.tryAppend(message.index, message.logTerm, message.entries)) {
    log.commitTo(Math.min(message.commit, end));
    answer.index = end;
  } else {
    // The leader skips whole terms: no entry with a term above its own at `message.index` can match below it either.
    const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex()), message.logTerm);
    answer.index = message.index;
    answer.reject = true;
    answer.rejectHint = hint.index;
    answer.logTerm = hint.term;
  }
  send(raft, answer);
}

/** Follower: takes the commit index from a heartbeat and echoes its context. */
export function handleHeartbeat(raft: RaftState, message: Message): void {
  raft.log.commitTo(message.commit);
  const answer = draftMessage('MsgHeartbeatResp', message.from);
  answer.context = message.context;
  send(raft, answer);
}
