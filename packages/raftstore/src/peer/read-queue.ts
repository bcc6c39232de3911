import type { raft_cmdpb } from '@flotilla/protocol';
import type { Reply } from '../reply.ts';

/** A command that only reads. */
export interface PendingRead {
  readonly request: raft_cmdpb.RaftCmdRequest;
  readonly reply: Reply;
  readonly receivedAtMs: number;
}

interface ReadRound {
  readonly id: number;
  readonly reads: readonly PendingRead[];
  /** The log index that the reads have to see; `undefined` until a quorum has confirmed the leader. */
  index: number | undefined;
}

/**
 * Linearizable reads of one region. All reads of a worker's loop share one ReadIndex round; a round is over when a quorum
 * has confirmed that its leader still led after the reads arrived, and its reads run once that much is applied.
 *
 * Invariant: rounds are confirmed and run in the order they were begun.
 */
export class ReadQueue {
  /** Sets this run's contexts apart from those of an earlier one, whose answers may still come. */
  readonly #nonce: number;
  #waiting: PendingRead[] = [];
  #rounds: ReadRound[] = [];
  #lastRound = 0;

  constructor(nonce = 0) {
    this.#nonce = nonce;
  }

  /** Reads not answered yet. */
  get length(): number {
    return this.#rounds.reduce((sum, round) => sum + round.reads.length, this.#waiting.length);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#rounds.length === 0;
  }

  push(read: PendingRead): void {
    this.#waiting.push(read);
  }

  /** Begins a round with the reads that wait; the context to ask the core with, or `undefined` when none wait. */
  beginRound(): Uint8Array | undefined {
    if (this.#waiting.length === 0) return undefined;
    this.#lastRound += 1;
    this.#rounds.push({ id: this.#lastRound, reads: this.#waiting, index: undefined });
    this.#waiting = [];
    return this.#encode(this.#lastRound);
  }

  /** Notes the core's answer to a round; earlier rounds are confirmed with it. */
  confirm(context: Uint8Array, index: number): void {
    const id = this.#decode(context);
    for (const round of this.#rounds) {
      if (round.id > id) break;
      round.index ??= index;
    }
  }

  /** Takes the reads that may run now that entries up to `appliedIndex` are applied. */
  takeReady(appliedIndex: number): PendingRead[] {
    const ready: PendingRead[] = [];
    for (let round = this.#rounds[0]; round !== undefined; round = this.#rounds[0]) {
      if (round.index === undefined || round.index > appliedIndex) break;
      ready.push(...round.reads);
      this.#rounds.shift();
    }
    return ready;
  }

  /** Takes the reads received at `untilMs` or before. */
  takeOlder(untilMs: number): PendingRead[] {
    const taken: PendingRead[] = [];
    const keep = (read: PendingRead): boolean => {
      if (read.receivedAtMs > untilMs) return true;
      taken.push(read);
      return false;
    };
    this.#rounds = this.#rounds
      .map((round) => ({ ...round, reads: round.reads.filter(keep) }))
      .filter((round) => round.reads.length > 0);
    this.#waiting = this.#waiting.filter(keep);
    return taken;
  }

  /** Takes every read, for whoever answers them. */
  drain(): PendingRead[] {
    const drained = [...this.#rounds.flatMap((round) => round.reads), ...this.#waiting];
    this.#rounds = [];
    this.#waiting = [];
    return drained;
  }

  /** Puts the reads of unconfirmed rounds back to wait: the core has dropped their requests. */
  restart(): void {
    const lost = this.#rounds.filter((round) => round.index === undefined).flatMap((round) => round.reads);
    this.#rounds = this.#rounds.filter((round) => round.index !== undefined);
    this.#waiting = [...lost, ...this.#waiting];
  }

  /** The run's nonce and the round: four and eight bytes, big-endian. */
  #encode(id: number): Uint8Array {
    const context = Buffer.alloc(12);
    context.writeUInt32BE(this.#nonce);
    context.writeBigUInt64BE(BigInt(id), 4);
    return context;
  }

  /** The round that `context` names; 0 for none of this run. */
  #decode(context: Uint8Array): number {
    if (context.length !== 12) return 0;
    const bytes = Buffer.from(context.buffer, context.byteOffset, 12);
    return bytes.readUInt32BE() === this.#nonce ? Number(bytes.readBigUInt64BE(4)) : 0;
  }
}
