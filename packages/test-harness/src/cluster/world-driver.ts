import { assert, type SimulatedWorld } from '@flotilla/runtime';

/** Runs a world for as long as somebody waits for it; any number of callers may wait at once. */
export class WorldDriver {
  readonly #world: SimulatedWorld;
  #waiting = 0;
  /** Counts settled promises, so that the loop that runs the world notices each. */
  #settled = 0;
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
    const endMs = this.#world.nowMs + limitMs;
    this.#waiting += 1;
    try {
      while (!isSettled && this.#world.nowMs < endMs) {
        this.#running ??= this.#runUntilOneSettles(endMs).finally(() => {
          this.#running = undefined;
        });
        await this.#running;
      }
    } finally {
      this.#waiting -= 1;
    }
    assert(isSettled, 'the promise settled in time', { limitMs, waiting: this.#waiting });
    return promise;
  }

  async #runUntilOneSettles(endMs: number): Promise<void> {
    const before = this.#settled;
    await this.#world.runUntil(() => this.#settled !== before, endMs - this.#world.nowMs);
  }
}
