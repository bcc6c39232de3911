/**
 * Requests that one round sends at once. A member answers them beside the events that it has ready, in no order between the two
 * (etcd before 3.4.25 and 3.5.8), so that one answer proves nothing about events that wait; with each answer that goes before a
 * waiting event the chance halves.
 */
export const requestsPerRound = 16;
/** How long a watch has to be quiet before a round: members bring watches that start in the past up to date every 100 ms. */
const settleMs = 250;

/** Finds out up to which revision a watch has seen everything. */
export class ProgressRounds {
  #wanted = false;
  #target = 0n;
  #answersLeft = 0;
  #candidate = 0n;
  #disturbed = false;
  #quietSinceMs: number;

  constructor(nowMs: number) {
    this.#quietSinceMs = nowMs;
  }

  /** Asks for progress up to `revision` at least. */
  want(revision: bigint): void {
    this.#wanted = true;
    if (revision > this.#target) this.#target = revision;
  }

  /** How long to wait until a round should start: 0 for now, `undefined` while none is wanted or one is under way. */
  dueInMs(nowMs: number): number | undefined {
    if (!this.#wanted || this.#answersLeft > 0) return undefined;
    return Math.max(0, this.#quietSinceMs + settleMs - nowMs);
  }

  /** A round has begun: `requestsPerRound` requests are on their way. */
  begin(): void {
    this.#answersLeft = requestsPerRound;
    this.#disturbed = false;
  }

  /** An answer with the member's revision; the revision that everything was seen up to, once the round says so. */
  answered(revision: bigint, nowMs: number): bigint | undefined {
    if (this.#answersLeft === 0) return undefined;
    if (this.#answersLeft === requestsPerRound) this.#candidate = revision;
    this.#answersLeft -= 1;
    if (this.#answersLeft > 0) return undefined;
    if (this.#disturbed || this.#candidate < this.#target) {
      this.#quietSinceMs = Math.max(this.#quietSinceMs, nowMs - settleMs / 2);
      return undefined;
    }
    this.#wanted = false;
    return this.#candidate;
  }

  /** Events up to `revision` were seen; whether they already answer what is wanted. */
  sawEvents(revision: bigint, nowMs: number): boolean {
    this.#quietSinceMs = nowMs;
    this.#disturbed = true;
    if (!this.#wanted || revision < this.#target) return false;
    this.#wanted = false;
    return true;
  }

  /** The stream has broken: answers of a round under way will not come. */
  restart(nowMs: number): void {
    this.#answersLeft = 0;
    this.#quietSinceMs = nowMs;
  }
}
