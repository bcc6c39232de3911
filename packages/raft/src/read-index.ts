import type { AckedIndexer } from './quorum/majority.ts';
import type { ProgressTracker } from './tracker/progress-tracker.ts';

/** A read that a leader has accepted. */
export interface PendingRead {
  /** The peer that asked; the leader itself for its own reads. */
  readonly from: number;
  readonly context: Uint8Array;
}

/** A read that may be answered: state applied through `index` reflects everything that was acknowledged before it. */
export interface ConfirmedRead extends PendingRead {
  readonly index: number;
}

interface RoundedRead extends ConfirmedRead {
  readonly round: number;
}

const noReads: readonly ConfirmedRead[] = Object.freeze([]);

/**
 * Reads that wait for proof that the leader still leads.
 *
 * A round is a broadcast of heartbeats that carries the round's number. A read takes the commit index when it arrives and
 * joins the next round to begin, so that all reads between two Readys share one; a quorum of answers to a round confirms
 * it and every earlier one. Numbers start afresh in each term, and answers of another term never get here.
 *
 * Source: thesis 6.4.
 */
export class ReadIndexQueue implements AckedIndexer {
  readonly #self: number;
  #round = 0;
  #roundDue = false;
  #reads: RoundedRead[] = [];
  /** Reads that came before the leader had committed an entry of its own term. */
  #early: PendingRead[] = [];
  #acked: Map<number, number> | undefined;

  constructor(self: number) {
    this.#self = self;
  }

  /** How many reads wait. */
  get size(): number {
    return this.#reads.length + this.#early.length;
  }

  /** Whether a round is to begin. */
  get roundDue(): boolean {
    return this.#roundDue;
  }

  /** The last round that has begun in this term; 0 before the first. */
  get round(): number {
    return this.#round;
  }

  clear(): void {
    this.#round = 0;
    this.#roundDue = false;
    this.#acked = undefined;
    if (this.#reads.length > 0) this.#reads = [];
    if (this.#early.length > 0) this.#early = [];
  }

  /** Keeps a read until the leader knows what was committed before its term. */
  postpone(read: PendingRead): void {
    this.#early.push(read);
  }

  /** Takes the reads kept by `postpone`. */
  takePostponed(): readonly PendingRead[] {
    if (this.#early.length === 0) return noReads;
    const early = this.#early;
    this.#early = [];
    return early;
  }

  add(read: PendingRead, commit: number): void {
    this.#reads.push({ from: read.from, context: read.context, index: commit, round: this.#round + 1 });
    this.#roundDue = true;
  }

  /** Begins a round; answers the context that its heartbeats carry. */
  beginRound(): Uint8Array {
    this.#round += 1;
    this.#roundDue = false;
    this.#ack(this.#self, this.#round);
    return encodeRound(this.#round);
  }

  /** The context that any heartbeat carries meanwhile, in case the round's own was lost. */
  heartbeatContext(): Uint8Array | undefined {
    return this.#round > 0 && this.#reads.length > 0 ? encodeRound(this.#round) : undefined;
  }

  /** Records that `from` answered a heartbeat with `context`. */
  recordAck(from: number, context: Uint8Array): void {
    const round = decodeRound(context);
    if (round !== undefined && round <= this.#round) this.#ack(from, round);
  }

  /** Takes the reads that a quorum of `tracker` has confirmed, in the order they came. */
  takeConfirmed(tracker: ProgressTracker): readonly ConfirmedRead[] {
    if (this.#reads.length === 0 || this.#round === 0) return noReads;
    const confirmed = tracker.quorumOf(this);
    let count = 0;
    while (count < this.#reads.length && this.#reads[count]!.round <= confirmed) count += 1;
    return count === 0 ? noReads : this.#reads.splice(0, count);
  }

  /** The last round that `id` has answered. */
  ackedIndex(id: number): number {
    return this.#acked?.get(id) ?? 0;
  }

  #ack(id: number, round: number): void {
    this.#acked ??= new Map();
    if (round > this.ackedIndex(id)) this.#acked.set(id, round);
  }
}

/** Eight bytes, big-endian. */
function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(round / 2 ** 32));
  view.setUint32(4, round >>> 0);
  return bytes;
}

function decodeRound(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
