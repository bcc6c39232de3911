import { assert } from '@flotilla/runtime';
import { changeMembership } from '../confchange/changer.ts';
import type { ConfChange } from '../confchange/conf-change.ts';
import type { ConfState } from '../message.ts';
import { confStateOf } from '../tracker/membership.ts';
import type { RaftState } from './raft-state.ts';
import { answerConfirmedReads, beginPostponedReads } from './reading.ts';
import { advanceCommit, broadcastAppend, broadcastNewEntries } from './replication.ts';
import { abortTransfer } from './transfer.ts';
import { becomeFollower } from './transition.ts';

/**
 * Puts a committed change of membership in force, and answers the configuration to keep with the applied state.
 *
 * While a snapshot is pending nothing behind it is handed out: the change comes from before it, was handed out before it
 * came, and is part of the configuration that it brought.
 *
 * @throws {InvariantError} when the change does not fit: every member would stop at the same entry.
 */
export function applyConfChange(raft: RaftState, change: ConfChange): ConfState {
  if (raft.log.pendingSnapshot !== undefined) return confStateOf(raft.tracker.membership);
  const changed = changeMembership(raft.tracker.membership, change);
  assert(typeof changed !== 'string', 'a committed change of membership does not fit the configuration', {
    error: changed,
    membership: raft.tracker.membership,
    steps: change.steps,
  });
  raft.tracker.switchTo(changed.membership, changed.added, raft.log.lastIndex());
  for (const id of changed.added) raft.tracker.progress(id)!.activeTick = raft.ticks;
  raft.logger.info('membership changed', { ...changed.membership });
  if (raft.role === 'leader') actOnMembership(raft);
  return confStateOf(raft.tracker.membership);
}

function actOnMembership(raft: RaftState): void {
  const isDemoted = raft.tracker.progress(raft.id) === undefined || raft.tracker.isLearner(raft.id);
  if (isDemoted) {
    // Otherwise it goes on replicating, without counting itself, until another leader comes. Source: thesis 4.2.2.
    if (raft.config.stepDownOnRemoval) becomeFollower(raft, raft.term, 0);
    return;
  }
  if (advanceCommit(raft)) {
    // The new quorum is smaller, or other.
    beginPostponedReads(raft);
    broadcastAppend(raft);
  } else {
    broadcastNewEntries(raft);
  }
  answerConfirmedReads(raft);
  if (raft.transferee !== 0 && !raft.tracker.isVoter(raft.transferee)) abortTransfer(raft);
}
