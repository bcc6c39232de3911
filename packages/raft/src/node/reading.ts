import type { Entry, Message } from '../message.ts';
import { draftMessage } from '../message-draft.ts';
import type { ReadOutcome } from '../outcome.ts';
import type { PendingRead } from '../read-index.ts';
import { send } from './outbox.ts';
import type { RaftState } from './raft-state.ts';
import { broadcastHeartbeat, hasCommittedInTerm } from './replication.ts';

/** Leader: takes in a read of its own or of a follower. */
export function acceptRead(raft: RaftState, read: PendingRead, isLeaseHeld = false): ReadOutcome {
  if (isLeaseHeld && mayUseLease(raft)) {
    answerRead(raft, read, raft.log.committed);
    return 'accepted';
  }
  if (raft.reads.size >= raft.config.maxPendingReads) return 'readDropped';
  // What earlier leaders committed is known only once an entry of the own term is, so the read waits for that.
  if (hasCommittedInTerm(raft)) beginRead(raft, read);
  else raft.reads.postpone(read);
  return 'accepted';
}

/**
 * Leader: whether the silence of a quorum, which the caller has timed, is enough for a read. Not before the commit index is
 * known; not when a member may campaign in spite of that silence, or is about to be told to; not between two
 * configurations.
 */
export function mayUseLease(raft: RaftState): boolean {
  return (
    raft.role === 'leader' &&
    !raft.leaseForfeited &&
    raft.transferee === 0 &&
    raft.tracker.membership.outgoing.length === 0 &&
    hasCommittedInTerm(raft)
  );
}

/** Leader: begins the reads that waited for the first commit of the term. */
export function beginPostponedReads(raft: RaftState): void {
  if (raft.reads.size === 0 || !hasCommittedInTerm(raft)) return;
  for (const read of raft.reads.takePostponed()) beginRead(raft, read);
}

/** Leader: takes in the answer to a heartbeat as far as reads are concerned. */
export function recordReadAck(raft: RaftState, message: Message): void {
  if (message.context === undefined || message.context.length === 0) return;
  raft.reads.recordAck(message.from, message.context);
  answerConfirmedReads(raft);
}

/** Leader: answers the reads that a quorum has confirmed under the present configuration. */
export function answerConfirmedReads(raft: RaftState): void {
  for (const read of raft.reads.takeConfirmed(raft.tracker)) answerRead(raft, read, read.index);
}

/** Leader: begins the round of heartbeats for the reads that came since the last Ready. */
export function beginReadRound(raft: RaftState): void {
  if (!raft.reads.roundDue) return;
  broadcastHeartbeat(raft, raft.reads.beginRound());
  // A sole voter's quorum is itself.
  answerConfirmedReads(raft);
}

/** The request of a read, as it travels to the leader: its context is the data of one entry. */
export function draftReadRequest(to: number, context: Uint8Array): Message {
  const message = draftMessage('MsgReadIndex', to);
  message.entries = [asEntry(context)];
  return message;
}

/** The context of a read request or its answer; undefined when it is malformed. */
export function readContext(message: Message): Uint8Array | undefined {
  return message.entries.length === 1 ? message.entries[0]!.data : undefined;
}

function beginRead(raft: RaftState, read: PendingRead): void {
  // A peer that was told to campaign is not held back by the lease.
  if (raft.config.readOnly === 'leaseBased' && !raft.leaseForfeited) answerRead(raft, read, raft.log.committed);
  else raft.reads.add(read, raft.log.committed);
}

function answerRead(raft: RaftState, read: PendingRead, index: number): void {
  if (read.from === raft.id) {
    raft.readStates.push({ index, context: read.context });
    return;
  }
  const answer = draftMessage('MsgReadIndexResp', read.from);
  answer.index = index;
  answer.entries = [asEntry(read.context)];
  send(raft, answer);
}

function asEntry(context: Uint8Array): Entry {
  return { type: 'normal', term: 0, index: 0, data: context };
}
