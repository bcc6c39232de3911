import { assert } from './assert.ts';
import { EventQueue } from './event-queue.ts';
import type { Logger } from './logger.ts';
import type { Random } from './random.ts';
import type { Runtime } from './runtime.ts';
import { createSeededRandom } from './seeded-random.ts';
import { silentLogger } from './silent-logger.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedTimers } from './simulated-timers.ts';

/** The runtime of one simulated node. */
export interface SimulatedRuntime extends Runtime {
  readonly clock: SimulatedClock;
  /** The node's sudden death: nothing it armed or deferred runs any more. Start it again with a new runtime. */
  halt(): void;
  /** Stops the node as SIGSTOP does: what falls due waits for `resume`. Its clocks go on. */
  pause(): void;
  resume(): void;
}

/** The most deferred tasks that run at one instant; more is a loop that would never let time move. */
const mostTasksPerInstant = 1_000_000;
/** After so many events the process looks after its own timers, signals and sockets. */
const eventsPerImmediate = 1_024;

/**
 * A world in virtual time: any number of simulated nodes over one deterministic event queue.
 *
 * Time moves only inside `advance`, `runUntil` and `runUntilIdle`. Before each event all promise continuations run;
 * deferred tasks run before time moves; timers fire in order of time, then of arming. So one seed gives one history, as
 * long as what runs in the world waits for nothing but the world: real disks, sockets and threads do not belong here.
 * An error thrown by an event comes out of the call that ran it.
 */
export class SimulatedWorld {
  /** The seed that replays this world. */
  readonly seed: number;
  /** Chance that belongs to the world itself: faults, delays, the order of things. */
  readonly random: Random;
  readonly #queue = new EventQueue();
  #nowMs = 0;
  #isRunning = false;

  constructor(seed: number) {
    this.seed = seed;
    this.random = createSeededRandom(seed).fork('world');
  }

  /** Milliseconds of virtual time since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A runtime for the node called `label`: its own wall clock and source of chance, the world's time. */
  createRuntime(label: string, logger: Logger = silentLogger): SimulatedRuntime {
    const now = (): number => this.#nowMs;
    const timers = new SimulatedTimers(this.#queue, now);
    return {
      clock: new SimulatedClock(now),
      timers,
      random: createSeededRandom(this.seed).fork(`node ${label}`),
      logger,
      halt: () => timers.halt(),
      pause: () => timers.pause(),
      resume: () => timers.resume(),
    };
  }

  /** Runs all that is due within the next `byMs` and moves time by exactly that. */
  async advance(byMs: number): Promise<void> {
    await this.#run(byMs, () => false);
  }

  /**
   * Runs until `predicate` holds, for at most `limitMs` of virtual time; asks it before the first event and after each.
   * Returns whether it held.
   */
  runUntil(predicate: () => boolean, limitMs: number): Promise<boolean> {
    return this.#run(limitMs, predicate);
  }

  /**
   * Runs until nothing is left to run, for at most `limitMs` of virtual time; periodic timers alone do not count.
   * Returns whether the world came to rest.
   */
  runUntilIdle(limitMs = 3_600_000): Promise<boolean> {
    return this.#run(limitMs, () => !this.#queue.isBusy);
  }

  async #run(limitMs: number, isDone: () => boolean): Promise<boolean> {
    assert(limitMs >= 0 && Number.isFinite(limitMs), 'virtual time only moves forward', { limitMs });
    assert(!this.#isRunning, 'the world is already being run; await the earlier call first');
    this.#isRunning = true;
    try {
      return await this.#runTo(this.#nowMs + limitMs, isDone);
    } finally {
      this.#isRunning = false;
    }
  }

  async #runTo(endMs: number, isDone: () => boolean): Promise<boolean> {
    // Only a continuation may settle by ticks: a tick that follows a continuation comes after all others.
    await settleByImmediate();
    for (let tasksAtInstant = 0, events = 1; ; events += 1) {
      await (events % eventsPerImmediate === 0 ? settleByImmediate() : settleByTick());
      if (isDone()) return true;
      const task = this.#queue.takeDeferred();
      if (task !== undefined) {
        tasksAtInstant += 1;
        assert(tasksAtInstant <= mostTasksPerInstant, 'deferred tasks keep time from moving', { nowMs: this.#nowMs });
        task();
        continue;
      }
      const dueMs = this.#queue.nextAtMs();
      if (dueMs === undefined || dueMs > endMs) {
        this.#nowMs = endMs;
        return isDone();
      }
      if (dueMs > this.#nowMs) tasksAtInstant = 0;
      this.#nowMs = dueMs;
      this.#queue.takeTimer()();
    }
  }
}

/**
 * Resolves when no promise continuation is left to run: Node runs its ticks only once the microtask queue is empty, as long
 * as the tick is queued from a continuation. Four times as fast as an immediate, which passes through the whole event loop.
 */
function settleByTick(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** The same, for a caller that may be anything, and letting the process see its timers and signals. */
function settleByImmediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
