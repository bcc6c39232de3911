import { type AckedIndexer, majorityCommittedIndex, majorityVoteResult } from './majority.ts';
import type { VoteResult } from './vote-result.ts';

/**
 * The highest index stored by a majority of each half: the smaller of both.
 *
 * Source: Raft paper, section 6: while joint, agreement needs separate majorities of the old and of the new configuration.
 */
export function jointCommittedIndex(
  incoming: readonly number[],
  outgoing: readonly number[],
  acked: AckedIndexer,
): number {
  const first = majorityCommittedIndex(incoming, acked);
  return outgoing.length === 0 ? first : Math.min(first, majorityCommittedIndex(outgoing, acked));
}

/** What the votes cast so far decide in both halves: won when both are won, lost when either is lost. */
export function jointVoteResult(
  incoming: readonly number[],
  outgoing: readonly number[],
  votes: ReadonlyMap<number, boolean>,
): VoteResult {
  const first = majorityVoteResult(incoming, votes);
  const second = majorityVoteResult(outgoing, votes);
  if (first === second) return first;
  return first === 'lost' || second === 'lost' ? 'lost' : 'pending';
}
