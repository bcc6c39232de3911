import { assert } from '@flotilla/runtime';
import { appendOwn } from './proposal.ts';
import type { RaftState, Role } from './raft-state.ts';

/**
 * Follows `leader` (0: nobody yet) in `term`.
 *
 * Source: Raft paper, 5.1 and figure 4.
 */
export function becomeFollower(raft: RaftState, term: number, leader: number): void {
  reset(raft, term);
  raft.leader = leader;
  enter(raft, 'follower');
}

/** Asks around before campaigning. Term, vote and timers stay as they are: a lost pre-vote leaves no trace. */
export function becomePreCandidate(raft: RaftState): void {
  assert(raft.role !== 'leader', 'a leader cannot campaign');
  raft.tracker.clearVotes();
  raft.leader = 0;
  enter(raft, 'preCandidate');
}

/** Campaigns in the next term, with its own vote. */
export function becomeCandidate(raft: RaftState): void {
  assert(raft.role !== 'leader', 'a leader cannot campaign');
  reset(raft, raft.term + 1);
  raft.vote = raft.id;
  enter(raft, 'candidate');
}

/** Leads the current term: appends an empty entry, through which everything before it gets committed. */
export function becomeLeader(raft: RaftState): void {
  assert(raft.role === 'candidate', 'only a candidate can win', { role: raft.role });
  reset(raft, raft.term);
  raft.leader = raft.id;
  enter(raft, 'leader');
  const self = raft.tracker.progress(raft.id);
  assert(self !== undefined, 'a node won that is no member');
  self.becomeReplicate();
  self.recentActive = true;
  for (const progress of raft.tracker.members) progress.activeTick = raft.ticks;
  // There may be a change of membership among the uncommitted entries; supposing that there is one saves looking.
  raft.pendingConfIndex = raft.log.lastIndex();
  const appended = appendOwn(raft, [{ type: 'normal', data: new Uint8Array(0) }]);
  assert(appended, 'an empty entry always fits');
}

function reset(raft: RaftState, term: number): void {
  if (raft.term !== term) {
    raft.term = term;
    raft.vote = 0;
  }
  raft.leader = 0;
  raft.electionElapsed = 0;
  raft.heartbeatElapsed = 0;
  raft.electionTimeout = raft.config.electionTick + raft.random.integer(0, raft.config.electionTick);
  raft.transferee = 0;
  raft.leaseForfeited = false;
  raft.pendingConfIndex = 0;
  raft.withheldRemovals = undefined;
  raft.uncommittedBytes = 0;
  raft.tracker.clearVotes();
  raft.reads.clear();
  const last = raft.log.lastIndex();
  for (const progress of raft.tracker.members) progress.reset(progress.id === raft.id ? last : 0, last + 1);
}

function enter(raft: RaftState, role: Role): void {
  const changed = raft.role !== role;
  raft.role = role;
  if (changed && raft.logger.isEnabled('debug')) {
    raft.logger.debug('role changed', { role, term: raft.term, leader: raft.leader });
  }
}
