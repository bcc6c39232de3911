import type { Random, Runtime, SimulatedRuntime, SimulatedWorld } from '@flotilla/runtime';
import type { FencingEvent } from '../../../test-harness/src/checkers/check-fencing.ts';
import type { CoordinationBackend } from '../../src/backend/coordination-backend.ts';
import { DistributedLock } from '../../src/lock/distributed-lock.ts';
import type { Lock } from '../../src/lock/lock.ts';
import { TokenFence } from '../../src/lock/token-fence.ts';
import { SimulatedLink } from './simulated-link.ts';

/** Where contenders live: a world, and the way of each to one store. */
export interface ContentionPlace {
  readonly world: SimulatedWorld;
  /** Time that no fault stops. */
  readonly clock: Runtime;
  backendFor(label: string): CoordinationBackend;
  /** Faults of the place itself; each is begun, and ends by itself after about so long. */
  readonly faults?: readonly ((lastsMs: number) => void)[];
}

/** How long and how hard it is. */
export interface ContentionOptions {
  readonly contenders: number;
  readonly ttlMs: number;
  readonly durationMs: number;
  /** How much longer than the ttl the lock may be idle while somebody waits who can, after the last fault. */
  readonly slackMs: number;
}

/** What came of it. */
export interface ContentionReport {
  readonly events: readonly FencingEvent[];
  readonly violations: readonly string[];
  readonly grants: number;
  readonly losses: number;
  readonly stale: number;
  readonly guarded: number;
  readonly refusedGuarded: number;
}

const lockName = 'k';

interface Contender extends Process {
  /** Settles when it has ended; never, when it is dead. */
  readonly life: Promise<void>;
}

interface Process {
  readonly runtime: SimulatedRuntime;
  readonly link: SimulatedLink;
  readonly locks: DistributedLock;
  /** Whether a call that waits for the lock is under way. */
  isWaiting: boolean;
  isPaused: boolean;
  isDead: boolean;
}

/**
 * Contenders for one lock that guards a resource, in virtual time: they acquire in all ways, write under the lock, some writes
 * arriving late, release or die, while processes are paused, killed, cut off, left without answers or with late ones, and clocks jump. Looks after
 * each event of the world whether two hold the lock at once, and whether it is idle for too long.
 */
export class LockContention {
  readonly #place: ContentionPlace;
  readonly #options: ContentionOptions;
  readonly #random: Random;
  readonly #fence = new TokenFence();
  readonly #events: FencingEvent[] = [];
  readonly #violations = new Set<string>();
  /** Locks that may be held, with who got them. */
  readonly #locks = new Map<Lock, Process>();
  readonly #contenders: Contender[] = [];
  readonly #guardedWrites: { readonly revision: bigint; readonly token: bigint }[] = [];
  #lives = 0;
  #grants = 0;
  #losses = 0;
  #stale = 0;
  #refusedGuarded = 0;
  #lastFaultMs = 0;
  #idleSinceMs: number | undefined;
  #isOver = false;

  constructor(place: ContentionPlace, options: ContentionOptions) {
    this.#place = place;
    this.#options = options;
    this.#random = place.world.random.fork('contention');
  }

  /** Runs it; `runFor` lets the world go on for so long and calls `look` after each event. */
  async run(runFor: (ms: number, look: () => void) => Promise<void>): Promise<ContentionReport> {
    const { contenders, durationMs, ttlMs } = this.#options;
    for (let number = 0; number < contenders; number += 1) this.#spawn();
    this.#strikeAgain();
    await runFor(durationMs, () => this.#look());
    this.#isOver = true;
    for (const contender of this.#contenders) this.#heal(contender);
    await runFor(4 * ttlMs, () => this.#look());
    const living = this.#contenders.filter(({ isDead }) => !isDead);
    let isClosed = false;
    void Promise.all(living.flatMap(({ locks, life }) => [locks.close(), life])).then(() => {
      isClosed = true;
    });
    await runFor(3 * ttlMs + 2_000, () => this.#look());
    if (!isClosed) this.#violations.add('a contender could not end');
    return this.#report();
  }

  #report(): ContentionReport {
    const inOrder = [...this.#guardedWrites].sort((a, b) => Number(a.revision - b.revision));
    for (const [index, write] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before !== undefined && before.token > write.token)
        this.#violations.add('a guarded put was accepted too late');
    }
    return {
      events: this.#events,
      violations: [...this.#violations],
      grants: this.#grants,
      losses: this.#losses,
      stale: this.#stale,
      guarded: this.#guardedWrites.length,
      refusedGuarded: this.#refusedGuarded,
    };
  }

  #spawn(): void {
    const { world, clock, backendFor } = this.#place;
    this.#lives += 1;
    const label = `contender ${this.#lives}`;
    const runtime = world.createRuntime(label);
    const link = new SimulatedLink(backendFor(label), clock, runtime);
    link.requestMs = this.#random.integer(1, 20);
    link.answerMs = this.#random.integer(1, 20);
    const locks = new DistributedLock({ backend: link.open(), runtime, defaultTtlMs: this.#options.ttlMs });
    const contender = { runtime, link, locks, isWaiting: false, isPaused: false, isDead: false };
    this.#contenders.push(Object.assign(contender, { life: this.#live(contender) }));
  }

  async #live(contender: Process): Promise<void> {
    const { timers } = contender.runtime;
    while (!this.#isOver) {
      try {
        const lock = await this.#acquire(contender);
        if (lock !== undefined) await this.#work(contender, lock);
      } catch {
        // Timed out, cancelled, lost or nobody knows: what matters is judged from outside.
      }
      contender.isWaiting = false;
      await timers.sleep(this.#random.integer(1, this.#options.ttlMs / 4));
    }
  }

  async #acquire(contender: Process): Promise<Lock | undefined> {
    const { locks, runtime } = contender;
    const way = this.#random.fraction();
    if (way < 0.1) return this.#granted(contender, await locks.tryAcquire(lockName));
    const limitMs = this.#random.integer(100, 3 * this.#options.ttlMs);
    contender.isWaiting = true;
    try {
      if (way < 0.2) return this.#granted(contender, await locks.acquire(lockName, { timeoutMs: limitMs }));
      if (way < 0.3) {
        const controller = new AbortController();
        const timer = runtime.timers.after(limitMs, () => controller.abort());
        const lock = await locks.acquire(lockName, { signal: controller.signal });
        timer.cancel();
        return this.#granted(contender, lock);
      }
      if (way < 0.4) return this.#granted(contender, await locks.acquireReentrant(lockName, { owner: 'me' }));
      return this.#granted(contender, await locks.acquire(lockName));
    } finally {
      contender.isWaiting = false;
    }
  }

  #granted(contender: Process, lock: Lock | undefined): Lock | undefined {
    if (lock === undefined) return undefined;
    this.#grants += 1;
    this.#locks.set(lock, contender);
    this.#events.push({ type: 'granted', lock: lockName, token: lock.fencingToken });
    return lock;
  }

  async #work({ runtime }: Process, lock: Lock): Promise<void> {
    const { ttlMs } = this.#options;
    const writes = this.#random.integer(1, 5);
    try {
      for (let number = 0; number < writes && lock.isHeld; number += 1) {
        await runtime.timers.sleep(this.#random.integer(1, ttlMs / 4));
        const way = this.#random.fraction();
        if (way < 0.3) await this.#writeGuarded(lock);
        else if (way < 0.4) await lock.renew(this.#random.integer(ttlMs / 2, ttlMs));
        else if (lock.isHeld) this.#writeFenced(lock);
      }
    } finally {
      if (!lock.isHeld) this.#losses += 1;
      await lock.release();
    }
  }

  /** A write that believes in the lock when it is sent, and may arrive long after. */
  #writeFenced(lock: Lock): void {
    const delayMs = this.#random.fraction() < 0.8 ? 1 : this.#random.integer(1, 2 * this.#options.ttlMs);
    this.#place.clock.timers.after(delayMs, () => {
      const token = lock.fencingToken;
      const isAccepted = this.#fence.admit(lockName, token);
      if (!isAccepted) this.#stale += 1;
      this.#events.push({ type: isAccepted ? 'accepted' : 'refused', lock: lockName, token });
    });
  }

  async #writeGuarded(lock: Lock): Promise<void> {
    const token = lock.fencingToken;
    try {
      const revision = await lock.guardedPut('resource', token.toString());
      this.#guardedWrites.push({ revision, token });
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'conflict') this.#refusedGuarded += 1;
      throw error;
    }
  }

  /** Judges the moment. */
  #look(): void {
    const { ttlMs, slackMs } = this.#options;
    const { nowMs } = this.#place.world;
    let holders = 0;
    for (const lock of [...this.#locks.keys()]) {
      if (lock.isHeld) holders += 1;
      else this.#locks.delete(lock);
    }
    if (holders > 1) this.#violations.add(`${holders} hold the lock at ${nowMs} ms`);
    const canWait = ({ isWaiting, isPaused, isDead, link }: Contender): boolean =>
      isWaiting && !isPaused && !isDead && !link.isCut && !link.answersAreLost && link.answerMs <= 20;
    if (holders > 0 || !this.#contenders.some(canWait)) {
      this.#idleSinceMs = undefined;
      return;
    }
    this.#idleSinceMs ??= nowMs;
    const idleMs = nowMs - Math.max(this.#idleSinceMs, this.#lastFaultMs);
    if (idleMs > ttlMs + slackMs) this.#violations.add(`idle since ${this.#idleSinceMs} ms though somebody waits`);
  }

  #strikeAgain(): void {
    const { timers } = this.#place.clock;
    timers.after(this.#random.integer(200, 2 * this.#options.ttlMs), () => {
      if (this.#isOver) return;
      this.#strike();
      this.#strikeAgain();
    });
  }

  #strike(): void {
    this.#lastFaultMs = this.#place.world.nowMs;
    const lastsMs = this.#random.integer(10, 2 * this.#options.ttlMs);
    const { faults = [] } = this.#place;
    const kind = this.#random.integer(0, 6 + faults.length);
    if (kind >= 6) {
      faults[kind - 6]?.(lastsMs);
      this.#place.clock.timers.after(lastsMs, () => {
        this.#lastFaultMs = this.#place.world.nowMs;
      });
      return;
    }
    // Holders are hit more often than chance would have it: most of the time nobody else has anything to lose.
    const holders = new Set(this.#random.fraction() < 0.5 ? this.#locks.values() : []);
    const living = this.#contenders.filter(({ isDead }) => !isDead);
    const held = living.filter((contender) => holders.has(contender));
    const choice = held.length > 0 ? held : living;
    const contender = choice[this.#random.integer(0, choice.length)] as Contender;
    if (kind === 0) {
      this.#pause(contender);
    } else if (kind === 1) {
      contender.link.isCut = true;
    } else if (kind === 2) {
      contender.link.answersAreLost = true;
    } else if (kind === 3) {
      // Answers that are old when they come, and then a pause: whoever counts from an answer is wrong by its age.
      contender.link.answerMs = this.#random.integer(100, this.#options.ttlMs / 3);
      const pauseMs = this.#random.integer(this.#options.ttlMs, 2 * this.#options.ttlMs);
      this.#place.clock.timers.after(lastsMs, () => {
        this.#pause(contender);
        this.#place.clock.timers.after(pauseMs, () => this.#heal(contender));
      });
      return;
    } else if (kind === 4) {
      contender.runtime.clock.jumpWall(this.#random.integer(-3_600_000, 3_600_000));
    } else {
      contender.isDead = true;
      contender.runtime.halt();
      this.#spawn();
    }
    this.#place.clock.timers.after(lastsMs, () => this.#heal(contender));
  }

  #pause(contender: Contender): void {
    this.#lastFaultMs = this.#place.world.nowMs;
    if (this.#isOver) return;
    contender.isPaused = true;
    contender.runtime.pause();
  }

  #heal(contender: Contender): void {
    this.#lastFaultMs = this.#place.world.nowMs;
    contender.link.isCut = false;
    contender.link.answersAreLost = false;
    contender.link.answerMs = this.#random.integer(1, 20);
    if (!contender.isPaused) return;
    contender.isPaused = false;
    contender.runtime.resume();
  }
}
