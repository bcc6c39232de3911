import type { metapb } from '@flotilla/protocol';
import type { Clock } from '@flotilla/runtime';

/** How long a store that could not be reached is left out, in milliseconds. */
const restMs = 3_000;

/** Chooses the replica for a read that any may answer: one after the other, without those that just failed. */
export class ReplicaChoice {
  readonly #clock: Clock;
  readonly #restingUntilMs = new Map<number, number>();
  #turn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next replica; `undefined` when every one has just failed. */
  next(region: metapb.Region): metapb.Peer | undefined {
    const { peers } = region;
    for (let tried = 0; tried < peers.length; tried += 1) {
      this.#turn = (this.#turn + 1) % peers.length;
      const peer = peers[this.#turn];
      if (peer !== undefined && !this.#isResting(peer.storeId)) return peer;
    }
    return undefined;
  }

  /** Notes that a store could not be reached. */
  rest(storeId: number): void {
    this.#restingUntilMs.set(storeId, this.#clock.monotonicMs() + restMs);
  }

  #isResting(storeId: number): boolean {
    const untilMs = this.#restingUntilMs.get(storeId);
    if (untilMs === undefined) return false;
    if (this.#clock.monotonicMs() < untilMs) return true;
    this.#restingUntilMs.delete(storeId);
    return false;
  }
}
