import { assertDelay } from './delay.ts';
import type { EventQueue } from './event-queue.ts';
import { sleepOn } from './sleep.ts';
import type { TimerHandle, Timers } from './timers.ts';

/**
 * The timers of one simulated node, over the event queue of its world.
 *
 * `halt` is the node's sudden death: nothing it armed or deferred runs any more, and what it arms later never does.
 * `pause` stops it as SIGSTOP does: what falls due waits for `resume` and runs then, in order, a periodic timer once.
 */
export class SimulatedTimers implements Timers {
  readonly #queue: EventQueue;
  readonly #now: () => number;
  #isHalted = false;
  /** What fell due in a pause; `undefined` while the node runs. */
  #held: (() => void)[] | undefined;

  /** `now` reads the virtual time in milliseconds. */
  constructor(queue: EventQueue, now: () => number) {
    this.#queue = queue;
    this.#now = now;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assertDelay(delayMs, 0);
    if (this.#isHalted) return { cancel: () => {} };
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) this.#run(fire, callback);
    };
    const disarm = this.#queue.arm(this.#now() + delayMs, false, fire);
    return {
      cancel: () => {
        isCancelled = true;
        disarm();
      },
    };
  }

  every(periodMs: number, callback: () => void): TimerHandle {
    assertDelay(periodMs, 1);
    let isCancelled = false;
    let disarm = (): void => {};
    const round = (): void => {
      // Armed before the callback runs, so that a callback that throws does not end the series; as setInterval does.
      arm();
      callback();
    };
    const fire = (): void => {
      if (!isCancelled) this.#run(fire, round);
    };
    const arm = (): void => {
      if (!this.#isHalted) disarm = this.#queue.arm(this.#now() + periodMs, true, fire);
    };
    arm();
    return {
      cancel: () => {
        isCancelled = true;
        disarm();
      },
    };
  }

  defer(callback: () => void): void {
    if (this.#isHalted) return;
    const fire = (): void => this.#run(fire, callback);
    this.#queue.defer(fire);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((waitMs, callback) => this.after(waitMs, callback), delayMs, signal);
  }

  /** Stops everything that this node armed or deferred, at once and for good. */
  halt(): void {
    this.#isHalted = true;
    this.#held = undefined;
  }

  /** Holds back everything that falls due, until `resume`. */
  pause(): void {
    if (!this.#isHalted) this.#held ??= [];
  }

  /** Runs what a pause held back, and goes on. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fire of held) this.#queue.defer(fire);
  }

  /** Runs `callback`, or has `fire` called once the node goes on. */
  #run(fire: () => void, callback: () => void): void {
    if (this.#held !== undefined) this.#held.push(fire);
    else if (!this.#isHalted) callback();
  }
}
