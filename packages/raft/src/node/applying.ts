import { encodeConfChange, leaveJointChange } from '../confchange/conf-change.ts';
import { entriesSize, payloadSize } from '../log/entry-size.ts';
import type { Entry, Message, Snapshot } from '../message.ts';
import { propose } from './proposal.ts';
import type { RaftState } from './raft-state.ts';

const leaveJointData = encodeConfChange(leaveJointChange, 'confChangeV2');

/** Learns that `entries`, in log order, have been applied. */
export function handleApplied(raft: RaftState, entries: readonly Entry[]): void {
  if (entries.length === 0) return;
  advanceApplied(raft, entries[entries.length - 1]!.index, entriesSize(entries));
  // Entries of earlier leaders were never counted, so the sum may come out negative.
  raft.uncommittedBytes = Math.max(0, raft.uncommittedBytes - payloadSize(entries));
}

/**
 * Learns that a write is durable.
 *
 * Entries count only if it was made in the present term: in a later one they may have been replaced by others and put back
 * again by a third leader, with writes of both still on their way (ABA), so that index and term alone would not tell which
 * write is done. A snapshot counts always: what it covers is committed, and cannot be replaced.
 */
export function handleStored(raft: RaftState, message: Message): void {
  if (message.term >= raft.term && message.index !== 0) raft.log.stableTo(message.index, message.logTerm);
  if (message.snapshot !== undefined) snapshotStored(raft, message.snapshot);
}

function snapshotStored(raft: RaftState, snapshot: Snapshot): void {
  const { index } = snapshot.metadata;
  raft.log.stableSnapshotTo(index);
  advanceApplied(raft, index, 0);
}

function advanceApplied(raft: RaftState, index: number, bytes: number): void {
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, bytes);
  const { autoLeave } = raft.tracker.membership;
  if (autoLeave && raft.role === 'leader' && applied >= raft.pendingConfIndex) {
    // If it is dropped, because leadership is being handed over, whoever leads next proposes it again.
    propose(raft, [{ type: 'confChangeV2', data: leaveJointData }]);
  }
}
