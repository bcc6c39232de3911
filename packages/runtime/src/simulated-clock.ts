import { assert } from './assert.ts';
import type { Clock } from './clock.ts';

/** Where the simulated wall clock starts: 2026-01-01T00:00:00Z. */
const wallOriginMs = 1_767_225_600_000;

/**
 * The clock of one simulated node. Its monotonic side is the world's virtual time; its wall side can be made wrong,
 * as wall clocks are: it jumps and it drifts, and neither moves a timer.
 */
export class SimulatedClock implements Clock {
  readonly #now: () => number;
  #wallMs = wallOriginMs;
  #readAtMs: number;
  #rate = 1;

  /** `now` reads the virtual time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#readAtMs = now();
    this.#wallMs += this.#readAtMs;
  }

  monotonicMs(): number {
    return this.#now();
  }

  /** Milliseconds since the Unix epoch; whole, as the system's are. */
  wallMs(): number {
    return Math.floor(this.#exactWallMs());
  }

  /** Moves the wall clock by `byMs`, forward or back. */
  jumpWall(byMs: number): void {
    assert(Number.isFinite(byMs), 'a jump must be finite', { byMs });
    this.#wallMs += byMs;
  }

  /** From now on the wall clock gains `partsPerMillion` on virtual time; negative loses, 0 ends the drift. */
  driftWall(partsPerMillion: number): void {
    assert(partsPerMillion > -1_000_000 && partsPerMillion < Infinity, 'a drift must leave the clock going', {
      partsPerMillion,
    });
    this.#wallMs = this.#exactWallMs();
    this.#readAtMs = this.#now();
    this.#rate = 1 + partsPerMillion / 1_000_000;
  }

  #exactWallMs(): number {
    return this.#wallMs + (this.#now() - this.#readAtMs) * this.#rate;
  }
}
