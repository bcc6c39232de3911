import type { RaftState, Role } from './node/raft-state.ts';
import type { Membership } from './tracker/membership.ts';
import type { ProgressState } from './tracker/progress.ts';
import type { ProgressTracker } from './tracker/progress-tracker.ts';

/** The few numbers that one asks for often. Indexes and terms as in the paper. */
export interface BasicStatus {
  readonly id: number;
  readonly term: number;
  readonly vote: number;
  /** The leader as this node knows it; 0 is none. */
  readonly leader: number;
  readonly role: Role;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  /** The member that leadership is being handed to; 0 is none. */
  readonly transferee: number;
}

/** What a leader knows of one member. */
export interface ProgressStatus {
  readonly id: number;
  readonly state: ProgressState;
  readonly match: number;
  readonly next: number;
  readonly isLearner: boolean;
  readonly isPaused: boolean;
  /** Index of the snapshot on its way; 0 is none. */
  readonly pendingSnapshot: number;
  readonly recentActive: boolean;
  /** Ticks since something came from it; at most since this node began to lead, or the member was added. 0 for the node itself. */
  readonly inactiveTicks: number;
  /** Append messages that have not been acknowledged. */
  readonly inflightCount: number;
  readonly isInflightFull: boolean;
}

/** Everything about a node that an operator may want to see. A copy. */
export interface Status extends BasicStatus {
  readonly membership: Membership;
  /** Ascending by id; empty unless this node leads. */
  readonly progress: readonly ProgressStatus[];
}

/** @returns the node's status, progress included. */
export function statusOf(raft: RaftState): Status {
  return {
    ...basicStatusOf(raft),
    membership: raft.tracker.membership,
    progress: raft.role === 'leader' ? progressOf(raft.tracker, raft) : [],
  };
}

/** @returns the node's status without its members. */
export function basicStatusOf(raft: RaftState): BasicStatus {
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    leader: raft.leader,
    role: raft.role,
    commit: raft.log.committed,
    applied: raft.log.applied,
    lastIndex: raft.log.lastIndex(),
    transferee: raft.transferee,
  };
}

/** @returns a copy of each member's progress, ascending by id; `self` is the node that follows them. */
export function progressOf(
  tracker: ProgressTracker,
  self: { readonly id: number; readonly ticks: number } = { id: 0, ticks: 0 },
): readonly ProgressStatus[] {
  return tracker.members.map((progress) => ({
    id: progress.id,
    state: progress.state,
    match: progress.match,
    next: progress.next,
    isLearner: tracker.isLearner(progress.id),
    isPaused: progress.isPaused(),
    pendingSnapshot: progress.pendingSnapshot,
    recentActive: progress.recentActive,
    inactiveTicks: progress.id === self.id ? 0 : self.ticks - progress.activeTick,
    inflightCount: progress.inflights.count,
    isInflightFull: progress.inflights.isFull(),
  }));
}
