import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

const { MessageType } = eraftpb;

/** What is known of one region's log. */
interface RegionSight {
  /** Who led, by term. */
  readonly leaders: Map<number, number>;
  /** What entries are, by term and index. */
  readonly entries: Map<string, number>;
  /** The highest index that the leader of a term has told of. */
  readonly told: Map<number, number>;
  /** Entries that a leader told to be committed: their term, and the first term in which it was told, by index. */
  readonly committed: Map<number, { readonly term: number; readonly toldIn: number }>;
}

/** What one peer has told to be durable. */
interface Promised {
  /** The highest term of a vote or an acknowledgement. */
  term: number;
  /** The highest index acknowledged to the leader of that term. */
  index: number;
  /** Whom it voted for, by term. */
  readonly votes: Map<number, number>;
}

/**
 * Judges raft by the messages that its peers send, in the order in which they are sent, over any number of crashes:
 *
 * - one vote a term, and one leader;
 * - what a peer has voted for or acknowledged it knows after a restart: no message of an earlier term, no rejection of what it
 *   acknowledged in the same term;
 * - nobody acknowledges more than the leader of the term has told of;
 * - entries of the same index and term are the same;
 * - an entry that was told to be committed is in the log of every later leader.
 *
 * Source: Raft paper, figure 3.
 */
export class RaftMessageChecker {
  readonly #regions = new Map<number, RegionSight>();
  readonly #peers = new Map<number, Promised>();
  #steps = 0;
  #violation: string | undefined;

  /** Takes in a message that is being sent. */
  note({ regionId, message }: raft_serverpb.RaftMessage): void {
    if (message === undefined || message.term === 0 || this.#violation !== undefined) return;
    this.#steps += 1;
    const complaint = this.#judge(regionId, message);
    if (complaint !== undefined) this.#violation = `region ${regionId}: ${complaint}`;
  }

  /** What has been found so far. */
  verdict(): Verdict {
    return verdictOf('raft', this.#steps, this.#violation === undefined ? undefined : plainViolation(this.#violation));
  }

  #judge(regionId: number, message: eraftpb.Message): string | undefined {
    switch (message.msgType) {
      case MessageType.MsgRequestVoteResponse:
        return this.#checkTerm(message) ?? this.#noteVote(message);
      case MessageType.MsgAppendResponse:
        return this.#checkTerm(message) ?? this.#noteAcknowledgement(regionId, message);
      case MessageType.MsgAppend:
        return this.#checkTerm(message) ?? this.#noteLeader(regionId, message) ?? this.#noteEntries(regionId, message);
      case MessageType.MsgSnapshot:
        this.#noteTold(regionId, message.term, message.snapshot?.metadata?.index ?? 0);
        return undefined;
      case MessageType.MsgHeartbeat:
        return this.#checkTerm(message) ?? this.#noteLeader(regionId, message);
      case MessageType.MsgRequestVote:
      case MessageType.MsgHeartbeatResponse:
        return this.#checkTerm(message);
      default:
        return undefined;
    }
  }

  #checkTerm({ from, term }: eraftpb.Message): string | undefined {
    const promised = this.#peers.get(from)?.term ?? 0;
    return term < promised
      ? `peer ${from} is in term ${term} after it has promised something in ${promised}`
      : undefined;
  }

  #noteVote({ from, term, to, reject }: eraftpb.Message): string | undefined {
    if (reject) return undefined;
    const { votes } = this.#promise(from, term);
    const candidate = votes.get(term) ?? to;
    votes.set(term, candidate);
    return candidate === to ? undefined : `peer ${from} votes for ${candidate} and for ${to} in term ${term}`;
  }

  #noteAcknowledgement(regionId: number, { from, index, term, reject }: eraftpb.Message): string | undefined {
    const promised = this.#promise(from, term);
    if (!reject) {
      promised.index = Math.max(promised.index, index);
      const told = this.#sight(regionId).told.get(term) ?? Number.POSITIVE_INFINITY;
      return index > told
        ? `peer ${from} acknowledges ${index} in term ${term}, whose leader has told of ${told} entries`
        : undefined;
    }
    return index <= promised.index
      ? `peer ${from} rejects what follows ${index} after it has acknowledged ${promised.index} in term ${term}`
      : undefined;
  }

  #noteLeader(regionId: number, { from, term }: eraftpb.Message): string | undefined {
    const { leaders } = this.#sight(regionId);
    const leader = leaders.get(term) ?? from;
    leaders.set(term, leader);
    return leader === from ? undefined : `peers ${leader} and ${from} both lead in term ${term}`;
  }

  #noteEntries(regionId: number, message: eraftpb.Message): string | undefined {
    const sight = this.#sight(regionId);
    const { commit, entries, index: previous, logTerm, term } = message;
    this.#noteTold(regionId, term, previous + entries.length);
    for (const entry of entries) {
      const key = `${entry.term} ${entry.index}`;
      const own = fingerprintOf(entry);
      const known = sight.entries.get(key) ?? own;
      if (known !== own) return `there are two entries of index ${entry.index} and term ${entry.term}`;
      sight.entries.set(key, own);
      const complaint = checkCommitted(sight, entry.index, entry.term, term);
      if (complaint !== undefined) return complaint;
    }
    const committedTerm = commit === previous ? logTerm : entries[commit - previous - 1]?.term;
    if (committedTerm !== undefined && commit > 0 && !sight.committed.has(commit)) {
      sight.committed.set(commit, { term: committedTerm, toldIn: term });
    }
    return checkCommitted(sight, previous, logTerm, term);
  }

  #noteTold(regionId: number, term: number, index: number): void {
    const { told } = this.#sight(regionId);
    told.set(term, Math.max(told.get(term) ?? 0, index));
  }

  #promise(peerId: number, term: number): Promised {
    const known = this.#peers.get(peerId);
    if (known === undefined) {
      const fresh = { term, index: 0, votes: new Map<number, number>() };
      this.#peers.set(peerId, fresh);
      return fresh;
    }
    if (term > known.term) {
      known.term = term;
      known.index = 0;
    }
    return known;
  }

  #sight(regionId: number): RegionSight {
    const known = this.#regions.get(regionId);
    if (known !== undefined) return known;
    const fresh: RegionSight = { leaders: new Map(), entries: new Map(), told: new Map(), committed: new Map() };
    this.#regions.set(regionId, fresh);
    return fresh;
  }
}

function checkCommitted(sight: RegionSight, index: number, term: number, leaderTerm: number): string | undefined {
  const committed = sight.committed.get(index);
  if (committed === undefined || committed.term === term || leaderTerm < committed.toldIn) return undefined;
  return `the leader of term ${leaderTerm} has an entry of term ${term} at ${index}, where one of term ${committed.term} was committed`;
}

function fingerprintOf({ data, entryType }: eraftpb.Entry): number {
  let hash = Math.imul(0x811c9dc5 ^ entryType, 0x01000193) ^ data.length;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
