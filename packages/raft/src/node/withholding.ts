import { changeMembership } from '../confchange/changer.ts';
import { decodeConfChange } from '../confchange/conf-change.ts';
import { type Membership, memberIds } from '../tracker/membership.ts';
import type { Progress } from '../tracker/progress.ts';
import type { RaftState } from './raft-state.ts';

/*
 * A member that learns that its removal is committed is gone at once, and its vote with it. The leader that told it may end
 * before it has applied the removal itself; started again it counts the member still, and where the remaining ones are no
 * majority of the old configuration, as of two, nobody can be elected ever again. So with `withholdRemovals` a leader tells
 * a member that it is removed only once it has applied the removal, which no end of the process takes back.
 */

/** The commit index as a member may know it. */
export function commitFor(raft: RaftState, progress: Progress): number {
  const { committed, applied } = raft.log;
  const removedAt = raft.withheldRemovals?.get(progress.id);
  return removedAt === undefined || removedAt <= applied ? committed : Math.min(committed, removedAt - 1);
}

/** Leader: notes whose removals are among the entries that have just been committed, the first of them after `from`. */
export function withholdRemovals(raft: RaftState, from: number): void {
  const { log, pendingConfIndex } = raft;
  if (!raft.config.withholdRemovals || pendingConfIndex <= Math.max(from, log.applied)) return;
  const entries = log.entries(from + 1, Math.min(log.committed, pendingConfIndex) + 1, Number.POSITIVE_INFINITY);
  if (entries === 'compacted') return;
  for (const { type, data, index } of entries) {
    if (type === 'normal') continue;
    const change = decodeConfChange(type, data);
    const changed = change === undefined ? 'unreadable' : changeMembership(raft.tracker.membership, change);
    if (typeof changed === 'string') continue;
    for (const id of removedBy(raft.tracker.membership, changed.membership, raft.id)) {
      raft.withheldRemovals ??= new Map();
      raft.withheldRemovals.set(id, index);
    }
  }
}

/** Who goes. Nobody counts when the leader goes too: then the others should learn of it before it has applied it. */
function removedBy(before: Membership, after: Membership, leaderId: number): readonly number[] {
  const left = memberIds(after);
  return left.includes(leaderId) ? memberIds(before).filter((id) => !left.includes(id)) : [];
}
