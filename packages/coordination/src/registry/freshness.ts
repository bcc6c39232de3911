import type { Clock } from '@flotilla/runtime';

/** How long ago something was confirmed, and whether it counts as stale since then. */
export class Freshness {
  readonly #clock: Clock;
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #confirmedWallMs = 0;
  #isStale = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it was ever confirmed. */
  get isKnown(): boolean {
    return this.#confirmedMs !== Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds since it was last confirmed; infinite before the first time. */
  get ageMs(): number {
    return this.#clock.monotonicMs() - this.#confirmedMs;
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  /** When it was last confirmed, if it is stale. */
  get staleSince(): Date | undefined {
    return this.#isStale ? new Date(this.#confirmedWallMs) : undefined;
  }

  /** It holds now. Returns whether it was stale. */
  confirm(): boolean {
    const wasStale = this.#isStale;
    this.#confirmedMs = this.#clock.monotonicMs();
    this.#confirmedWallMs = this.#clock.wallMs();
    this.#isStale = false;
    return wasStale;
  }

  /** Nobody can say whether it still holds. Returns whether that is new; what was never confirmed cannot go stale. */
  doubt(): boolean {
    if (this.#isStale || !this.isKnown) return false;
    this.#isStale = true;
    return true;
  }
}
