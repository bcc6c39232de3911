import { assert, type SimulatedWorld } from '@flotilla/runtime';

/** Runs a world for as long as somebody waits for it; any number of callers may wait at once. */
export class WorldDriver {
  readonly #world: SimulatedWorld;
  /** Counts settled promises, so that the loop that runs the world notices each. */
  #settled = 0;
  readonly #predicates = new Set<() => boolean>();
  /** Virtual times at which a caller gives up waiting. */
  readonly #limits = new Set<{ readonly endMs: number }>();
  #running: Promise<void> | undefined;

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  /**
   * Runs the world until the promise settles.
   *
   * @throws {InvariantError} when it has not within `limitMs` of virtual time; or what an event of the world threw.
   */
  async run<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
      this.#settled += 1;
    };
    promise.then(settle, settle);
    await this.#runWhile(() => !isSettled, limitMs);
    assert(isSettled, 'the promise settled in time', { limitMs, nowMs: this.#world.nowMs });
    return promise;
  }

  /** Runs the world until `predicate` holds, which is asked after each event; returns whether it did within `limitMs`. */
  async until(predicate: () => boolean, limitMs: number): Promise<boolean> {
    this.#predicates.add(predicate);
    try {
      await this.#runWhile(() => !predicate(), limitMs);
    } finally {
      this.#predicates.delete(predicate);
    }
    return predicate();
  }

  async #runWhile(isWaiting: () => boolean, limitMs: number): Promise<void> {
    const limit = { endMs: this.#world.nowMs + limitMs };
    this.#limits.add(limit);
    try {
      while (isWaiting() && this.#world.nowMs < limit.endMs) {
        this.#running ??= this.#runOn().finally(() => {
          this.#running = undefined;
        });
        await this.#running;
      }
    } finally {
      this.#limits.delete(limit);
    }
  }

  /** Runs until somebody may go on. */
  async #runOn(): Promise<void> {
    const before = this.#settled;
    const isNews = (): boolean => {
      if (this.#settled !== before) return true;
      for (const predicate of this.#predicates) if (predicate()) return true;
      for (const { endMs } of this.#limits) if (this.#world.nowMs >= endMs) return true;
      return false;
    };
    const endMs = Math.min(...[...this.#limits].map((limit) => limit.endMs));
    await this.#world.runUntil(isNews, Math.max(0, endMs - this.#world.nowMs));
  }
}
