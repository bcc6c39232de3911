import { assertDelay } from './delay.ts';
import type { EventQueue } from './event-queue.ts';
import { sleepOn } from './sleep.ts';
import type { TimerHandle, Timers } from './timers.ts';

/**
 * The timers of one simulated node, over the event queue of its world.
 *
 * `halt` is the node's sudden death: nothing it armed or deferred runs any more, and what it arms later never does.
 */
export class SimulatedTimers implements Timers {
  readonly #queue: EventQueue;
  readonly #now: () => number;
  #isHalted = false;

  /** `now` reads the virtual time in milliseconds. */
  constructor(queue: EventQueue, now: () => number) {
    this.#queue = queue;
    this.#now = now;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assertDelay(delayMs, 0);
    if (this.#isHalted) return { cancel: () => {} };
    return { cancel: this.#queue.arm(this.#now() + delayMs, false, () => this.#run(callback)) };
  }

  every(periodMs: number, callback: () => void): TimerHandle {
    assertDelay(periodMs, 1);
    let disarm = (): void => {};
    const arm = (): void => {
      if (this.#isHalted) return;
      disarm = this.#queue.arm(this.#now() + periodMs, true, () => {
        // Armed before the callback runs, so that a callback that throws does not end the series; as setInterval does.
        arm();
        this.#run(callback);
      });
    };
    arm();
    return { cancel: () => disarm() };
  }

  defer(callback: () => void): void {
    if (!this.#isHalted) this.#queue.defer(() => this.#run(callback));
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((waitMs, callback) => this.after(waitMs, callback), delayMs, signal);
  }

  /** Stops everything that this node armed or deferred, at once and for good. */
  halt(): void {
    this.#isHalted = true;
  }

  #run(callback: () => void): void {
    if (!this.#isHalted) callback();
  }
}
