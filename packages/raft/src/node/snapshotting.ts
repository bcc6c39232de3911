import { assert } from '@flotilla/runtime';
import type { ConfState, Message, Snapshot } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import { membershipOf } from '../tracker/membership.ts';
import type { Progress } from '../tracker/progress.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';

/**
 * Sends a snapshot to a follower that the log no longer reaches. False when nothing was sent: the follower has not been
 * heard of lately, or the snapshot is still being made.
 *
 * Source: Raft paper, section 7.
 */
export function sendSnapshot(raft: RaftState, progress: Progress): boolean {
  if (!progress.recentActive) return false;
  const snapshot = raft.log.snapshot();
  if (snapshot === undefined) return false;
  assert(snapshot.metadata.index > 0, 'storage offers an empty snapshot');
  progress.becomeSnapshot(snapshot.metadata.index);
  const message = draftMessage('MsgSnap', progress.id);
  message.snapshot = snapshot;
  send(raft, message);
  if (raft.logger.isEnabled('debug')) {
    raft.logger.debug('snapshot sent', { to: progress.id, index: snapshot.metadata.index });
  }
  return true;
}

/** Follower: takes in a snapshot, and acknowledges the index through which the log is now known to be the leader's. */
export function handleSnapshot(raft: RaftState, message: Message): void {
  assert(message.snapshot !== undefined, 'a MsgSnap carries no snapshot', { from: message.from });
  const answer = draftMessage('MsgAppResp', message.from);
  answer.index = restore(raft, message.snapshot) ? raft.log.lastIndex() : raft.log.committed;
  send(raft, answer);
}

/** Leader: learns what became of a snapshot; waits for the next answer before it sends again. */
export function handleSnapshotStatus(progress: Progress, reject: boolean): void {
  if (progress.state !== 'snapshot') return;
  if (reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // If it was stored, its acknowledgement resumes the flow; if not, the next heartbeat's answer does.
  progress.flowPaused = true;
}

/** Replaces log and configuration by the snapshot's; false when there is nothing to replace, or it is not for this node. */
function restore(raft: RaftState, snapshot: Snapshot): boolean {
  const { confState, index, term } = snapshot.metadata;
  if (index <= raft.log.committed || !isMember(confState, raft.id)) return false;
  if (raft.log.matchesTerm(index, term)) {
    // The log has got there by itself: the snapshot only says that it is committed.
    raft.log.commitTo(index);
    return false;
  }
  raft.log.restore(snapshot);
  raft.tracker.switchTo(membershipOf(confState), [], index);
  raft.logger.info('snapshot taken in', { index, term });
  return true;
}

/** Members in `learnersNext` are outgoing voters as well. */
function isMember(state: ConfState, id: number): boolean {
  return state.voters.includes(id) || state.learners.includes(id) || state.votersOutgoing.includes(id);
}
