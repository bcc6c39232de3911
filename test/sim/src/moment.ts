import { eraftpb, type raft_serverpb } from '@flotilla/protocol';

/** Moments at which a region is easily hurt, as they show in the messages between stores. */
export const moments = ['campaign', 'birth', 'vote', 'lead', 'commit', 'handover', 'change'] as const;

/**
 * One such moment: a campaign; the first campaign of a region; a vote that is given; the first append of a new leader; a
 * commit index that is told for the first time; a member that is told to campaign; a change of membership that is told to be
 * committed.
 */
export type Moment = (typeof moments)[number];

/** What has been seen of one region. */
interface RegionSight {
  /** The highest term in which a leader has shown. */
  term: number;
  /** The highest commit index told. */
  commit: number;
  /** Where changes of membership are that have not been told to be committed. */
  changes: number[];
}

const { MessageType, EntryType } = eraftpb;

/** Sees moments in the messages that are sent. */
export class MomentWatch {
  readonly #regions = new Map<number, RegionSight>();

  /** The moments that a message is; none for most. */
  see({ regionId, message }: raft_serverpb.RaftMessage): readonly Moment[] {
    switch (message?.msgType) {
      case MessageType.MsgRequestVote:
        return this.#regions.has(regionId) ? ['campaign'] : this.#seeBirth(regionId);
      case MessageType.MsgRequestVoteResponse:
        return message.reject ? [] : ['vote'];
      case MessageType.MsgTimeoutNow:
        return ['handover'];
      case MessageType.MsgAppend:
        return this.#seeAppend(this.#sight(regionId), message);
      default:
        return [];
    }
  }

  #seeBirth(regionId: number): readonly Moment[] {
    this.#sight(regionId);
    return ['campaign', 'birth'];
  }

  #seeAppend(sight: RegionSight, { commit, entries, term }: eraftpb.Message): readonly Moment[] {
    const seen: Moment[] = [];
    if (term > sight.term) {
      sight.term = term;
      seen.push('lead');
    }
    for (const { entryType, index } of entries) {
      if (entryType !== EntryType.EntryNormal && !sight.changes.includes(index)) sight.changes.push(index);
    }
    if (commit <= sight.commit) return seen;
    sight.commit = commit;
    seen.push('commit');
    const pending = sight.changes.filter((index) => index > commit);
    if (pending.length < sight.changes.length) seen.push('change');
    sight.changes = pending;
    return seen;
  }

  #sight(regionId: number): RegionSight {
    const known = this.#regions.get(regionId);
    if (known !== undefined) return known;
    const fresh = { term: 0, commit: 0, changes: [] };
    this.#regions.set(regionId, fresh);
    return fresh;
  }
}
