import TinyQueue from 'tinyqueue';
import { assert } from './assert.ts';

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly isPeriodic: boolean;
  isCancelled: boolean;
  readonly callback: () => void;
}

/**
 * What a simulated world still has to do: deferred tasks in first-in first-out order, and timers by time.
 *
 * Invariant: two timers due at the same time fire in the order they were armed, so that one seed gives one history.
 */
export class EventQueue {
  readonly #timers = new TinyQueue<Event>([], (a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
  #deferred: (() => void)[] = [];
  #deferredHead = 0;
  #nextSequence = 0;
  #oneShotCount = 0;

  /** Whether a deferred task, or a timer that is not periodic, is still to run. */
  get isBusy(): boolean {
    return this.#deferred.length > this.#deferredHead || this.#oneShotCount > 0;
  }

  /** Arms a timer; returns what cancels it. A periodic one does not count for `isBusy`. */
  arm(atMs: number, isPeriodic: boolean, callback: () => void): () => void {
    const event: Event = { atMs, sequence: this.#nextSequence, isPeriodic, isCancelled: false, callback };
    this.#nextSequence += 1;
    this.#oneShotCount += isPeriodic ? 0 : 1;
    this.#timers.push(event);
    return () => {
      this.#settle(event);
    };
  }

  /** Queues a task to run before time moves. */
  defer(task: () => void): void {
    this.#deferred.push(task);
  }

  /** Takes the oldest deferred task. */
  takeDeferred(): (() => void) | undefined {
    const task = this.#deferred[this.#deferredHead];
    if (task === undefined) return undefined;
    this.#deferredHead += 1;
    if (this.#deferredHead === this.#deferred.length) {
      this.#deferred = [];
      this.#deferredHead = 0;
    }
    return task;
  }

  /** When the next timer is due, in milliseconds of virtual time. */
  nextAtMs(): number | undefined {
    for (let event = this.#timers.peek(); event !== undefined; event = this.#timers.peek()) {
      if (!event.isCancelled) return event.atMs;
      this.#timers.pop();
    }
    return undefined;
  }

  /**
   * Takes the timer that `nextAtMs` announced.
   *
   * @throws {InvariantError} when no timer is armed.
   */
  takeTimer(): () => void {
    const event = this.#timers.pop();
    assert(event !== undefined && !event.isCancelled, 'takeTimer needs nextAtMs to have found a timer');
    this.#settle(event);
    return event.callback;
  }

  #settle(event: Event): void {
    if (event.isCancelled) return;
    event.isCancelled = true;
    this.#oneShotCount -= event.isPeriodic ? 0 : 1;
  }
}
