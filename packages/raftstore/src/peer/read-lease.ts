import type { RawNode } from '@flotilla/raft';
import type { RaftStoreConfig } from '../config.ts';

/** Rounds that were sent from `atMs` on, up to `round`. */
interface SentRounds {
  round: number;
  readonly atMs: number;
}

/** How many parts of a lease are told apart: what was sent within one counts as sent at its beginning. */
const parts = 32;

/**
 * How long a lease lasts, in milliseconds from the moment at which its round of heartbeats was sent.
 *
 * A voter that answered a heartbeat refuses votes until it has counted `electionTicks` ticks since; the first of them may
 * come at once, the others are at least `tickIntervalMs` apart by the voter's clock, which may be faster than the leader's.
 */
export function leaseMsOf(config: RaftStoreConfig): number {
  const { electionTicks, maxClockDriftPercent, tickIntervalMs } = config;
  return ((electionTicks - 1) * tickIntervalMs * (100 - maxClockDriftPercent)) / 100;
}

/**
 * A leader's knowledge that nobody else can lead yet, by the monotonic clock.
 *
 * The lease runs from the moment at which a round of heartbeats was sent, not answered: whoever answered it heard it later.
 * It is looked at when a read is served, so that a pause of the process ends it. What else ends it, the core knows:
 * `mayUseLease`.
 *
 * Invariant: no round of `#sent` left before its `atMs`; ascending in both.
 */
export class ReadLease {
  readonly #leaseMs: number;
  #sent: SentRounds[] = [];
  #term = 0;
  /** Rounds up to this one count for nothing. */
  #voidRound = 0;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Notes, before its messages leave, that the core may have begun rounds. */
  noteSent(node: RawNode, nowMs: number): void {
    if (!node.isLeader) return;
    this.#followTerm(node);
    const { heartbeatRound: round } = node;
    const last = this.#sent.at(-1);
    if (round <= (last?.round ?? this.#voidRound)) return;
    if (last !== undefined && nowMs - last.atMs < this.#leaseMs / parts) last.round = round;
    else this.#sent.push({ round, atMs: nowMs });
    this.#forgetUntil(nowMs);
  }

  /** Whether a quorum that followed this leader lately keeps silent towards others at `nowMs`. */
  isHeld(node: RawNode, nowMs: number): boolean {
    if (!node.isLeader) return false;
    this.#followTerm(node);
    this.#forgetUntil(nowMs);
    const confirmed = node.confirmedRound;
    return confirmed > this.#voidRound && this.#sent.some(({ round }) => round >= confirmed);
  }

  /** Ends the lease; rounds that begin from now on count again. */
  end(node: RawNode): void {
    this.#followTerm(node);
    this.#sent = [];
    this.#voidRound = Math.max(this.#voidRound, node.heartbeatRound);
  }

  /** Rounds are numbered afresh in each term. */
  #followTerm(node: RawNode): void {
    if (node.term === this.#term) return;
    this.#term = node.term;
    this.#sent = [];
    this.#voidRound = 0;
  }

  #forgetUntil(nowMs: number): void {
    let old = this.#sent[0];
    while (old !== undefined && nowMs - old.atMs >= this.#leaseMs) {
      this.#voidRound = old.round;
      this.#sent.shift();
      old = this.#sent[0];
    }
  }
}
