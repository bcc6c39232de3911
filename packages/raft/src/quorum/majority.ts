import type { VoteResult } from './vote-result.ts';

/** Says which log index each voter is known to have stored. */
export interface AckedIndexer {
  /** The index that voter `id` has acknowledged; 0 when nothing is known of it. */
  ackedIndex(id: number): number;
}

/** Indexes being sorted; the core is synchronous, so one array serves every group of the thread. */
const scratch: number[] = [];

/**
 * The highest index that a majority of `voters` has stored: the (n/2+1)-th largest acknowledged index.
 *
 * Of no voters it is `Infinity`, so that an empty half of a joint quorum never holds the other one back.
 *
 * Source: Raft paper, section 5.3.
 */
export function majorityCommittedIndex(voters: readonly number[], acked: AckedIndexer): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  for (let position = 0; position < count; position += 1) {
    // Insertion sort: there are rarely more than seven voters.
    const index = acked.ackedIndex(voters[position]!);
    let slot = position;
    while (slot > 0 && scratch[slot - 1]! > index) {
      scratch[slot] = scratch[slot - 1]!;
      slot -= 1;
    }
    scratch[slot] = index;
  }
  return scratch[count - (count >> 1) - 1]!;
}

/** What the votes cast so far decide among `voters`. An election without voters is won. */
export function majorityVoteResult(voters: readonly number[], votes: ReadonlyMap<number, boolean>): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing += 1;
    else if (vote) granted += 1;
  }
  const needed = (voters.length >> 1) + 1;
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}
