import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import { initialTerm } from '../initial-state.ts';

/** Regions whose first vote is kept; a region that splits in one go makes a few, and few regions split at once. */
const maxRegions = 1024;

/**
 * First votes that were asked for regions of which this store has no peer yet, because the region they are split from has
 * not come so far here. Once it has, the vote is given; otherwise the new region would wait for a second election.
 */
export class PendingVotes {
  readonly #votes = new Map<number, raft_serverpb.RaftMessage>();

  get size(): number {
    return this.#votes.size;
  }

  /** Keeps a message if it asks for a region's first vote. The oldest goes when there are too many. */
  offer(message: raft_serverpb.RaftMessage): void {
    if (!isFirstVote(message.message)) return;
    this.#votes.delete(message.regionId);
    this.#votes.set(message.regionId, message);
    if (this.#votes.size <= maxRegions) return;
    const oldest = this.#votes.keys().next();
    if (oldest.done !== true) this.#votes.delete(oldest.value);
  }

  /** Hands out what was kept for a region, once. */
  take(regionId: number): raft_serverpb.RaftMessage | undefined {
    const vote = this.#votes.get(regionId);
    this.#votes.delete(regionId);
    return vote;
  }
}

/** Later terms show that the region has come to a leader without this store. */
function isFirstVote(message: eraftpb.Message | undefined): boolean {
  const { MessageType } = eraftpb;
  const asks = message?.msgType === MessageType.MsgRequestVote || message?.msgType === MessageType.MsgPreVote;
  return asks && message.term === initialTerm + 1;
}
