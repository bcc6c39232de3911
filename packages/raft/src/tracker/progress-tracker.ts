import { jointCommittedIndex, jointVoteResult } from '../quorum/joint.ts';
import type { AckedIndexer } from '../quorum/majority.ts';
import type { VoteResult } from '../quorum/vote-result.ts';
import { emptyMembership, isVoter, type Membership, memberIds } from './membership.ts';
import { Progress } from './progress.ts';

const noVotes: ReadonlyMap<number, boolean> = new Map();

/** The configuration in force, the progress of its members, and the votes of the current campaign. */
export class ProgressTracker implements AckedIndexer {
  readonly #maxInflightMessages: number;
  readonly #maxInflightBytes: number;
  /** Made for the first campaign: most nodes never have one. */
  #votes: Map<number, boolean> | undefined;
  #membership: Membership = emptyMembership;
  #progress: readonly Progress[] = [];

  constructor(maxInflightMessages: number, maxInflightBytes: number) {
    this.#maxInflightMessages = maxInflightMessages;
    this.#maxInflightBytes = maxInflightBytes;
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** Progress of every member, ascending by id. Replaced, never modified, when the membership changes. */
  get members(): readonly Progress[] {
    return this.#progress;
  }

  /** Progress of `id`; undefined for one that is no member. */
  progress(id: number): Progress | undefined {
    // A handful of members: a scan beats a map, and keeps idle groups small.
    for (const progress of this.#progress) if (progress.id === id) return progress;
    return undefined;
  }

  /**
   * Puts `membership` in force. Members keep their progress, except those in `added`, which start afresh: probing from
   * `lastIndex`, and taken for active so that a quorum check does not count a newcomer as lost.
   */
  switchTo(membership: Membership, added: readonly number[], lastIndex: number): void {
    const next = Math.max(lastIndex, 1);
    const progress: Progress[] = [];
    for (const id of memberIds(membership)) {
      const known = added.includes(id) ? undefined : this.progress(id);
      if (known !== undefined) {
        progress.push(known);
        continue;
      }
      const fresh = new Progress(id, next, this.#maxInflightMessages, this.#maxInflightBytes);
      fresh.recentActive = true;
      progress.push(fresh);
    }
    this.#membership = membership;
    this.#progress = progress;
  }

  isLearner(id: number): boolean {
    return this.#membership.learners.includes(id);
  }

  isVoter(id: number): boolean {
    return isVoter(this.#membership, id);
  }

  ackedIndex(id: number): number {
    return this.progress(id)?.match ?? 0;
  }

  /** The highest index that the quorum has stored. `Infinity` without voters. */
  committedIndex(): number {
    return this.quorumOf(this);
  }

  /** The highest value that a quorum has reached, where `acked` tells each voter's. */
  quorumOf(acked: AckedIndexer): number {
    return jointCommittedIndex(this.#membership.incoming, this.#membership.outgoing, acked);
  }

  /** Whether a quorum, `self` included, was heard of since the last check. */
  isQuorumActive(self: number): boolean {
    const active = new Map<number, boolean>();
    for (const progress of this.#progress) active.set(progress.id, progress.id === self || progress.recentActive);
    return jointVoteResult(this.#membership.incoming, this.#membership.outgoing, active) === 'won';
  }

  clearVotes(): void {
    this.#votes = undefined;
  }

  /** Records a vote; only the first of each voter counts. */
  recordVote(id: number, granted: boolean): void {
    this.#votes ??= new Map();
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  /** What the recorded votes decide. */
  voteResult(): VoteResult {
    return jointVoteResult(this.#membership.incoming, this.#membership.outgoing, this.#votes ?? noVotes);
  }
}
