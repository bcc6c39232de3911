import type { MachineLeadership } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { Lease, LeaseObserver, LeaseTable } from './lease-table.ts';

/** What a lessor has of its machine. */
export interface LessorOptions {
  readonly clock: Runtime['clock'];
  /** The leases as applied; another table after a snapshot. */
  readonly leases: () => LeaseTable;
  /** Logs the end of leases; resolves once it was applied, or was refused, or nobody knows. Never rejects. */
  readonly expire: (leases: readonly Lease[]) => Promise<void>;
  readonly standstillMs: number;
  readonly expireBatch: number;
}

/** A lease of which the time is taken. */
interface TimedLease {
  readonly lease: Lease;
  /** By the lessor's time. */
  deadlineMs: number;
}

/** Deadlines are looked at in steps of this many milliseconds. */
const stepMs = 100;
/** The furthest step ahead: a lease that ended early is forgotten by then. */
const maxStepsAhead = 600;

/**
 * Times the leases while its replica leads, and has those end that were not kept alive.
 *
 * Invariants: a lease never ends earlier than its whole time after it was granted or last kept alive here, or after this replica
 * began to lead, not counting time in which this replica stood still. Once its end was proposed it is kept alive no more.
 */
export class Lessor implements LeaseObserver {
  readonly #options: LessorOptions;
  #term: number | undefined;
  readonly #timed = new Map<bigint, TimedLease>();
  /** What to look at, by the step at which to; by then it may have been kept alive, or be gone. */
  readonly #steps = new Map<number, TimedLease[]>();
  #nextStep = 0;
  /** Leases whose time is over. */
  readonly #due = new Map<bigint, Lease>();
  /** Those whose end is proposed, and not known to have been applied or refused. */
  #proposed = new Map<bigint, Lease>();
  /** The clock when the lessor's time was last brought up to it. */
  #clockMs: number;
  #timeMs = 0;

  constructor(options: LessorOptions) {
    this.#options = options;
    this.#clockMs = options.clock.monotonicMs();
  }

  /** Takes note of who leads: every lease has its whole time again at the beginning of a term. */
  follow(leadership: MachineLeadership | undefined): void {
    if (leadership?.term === this.#term) return;
    this.#term = leadership?.term;
    this.#timed.clear();
    this.#steps.clear();
    this.#due.clear();
    if (this.#term === undefined) return;
    this.#clockMs = this.#options.clock.monotonicMs();
    this.#nextStep = stepOf(this.#timeMs);
    for (const lease of this.#options.leases().all()) this.granted(lease);
  }

  /** Some time has passed. */
  tick(leadership: MachineLeadership | undefined): void {
    this.follow(leadership);
    if (this.#term === undefined) return;
    const now = stepOf(this.#advance());
    for (; this.#nextStep < now; this.#nextStep += 1) {
      const timed = this.#steps.get(this.#nextStep);
      if (timed === undefined) continue;
      this.#steps.delete(this.#nextStep);
      for (const item of timed) this.#look(item);
    }
    this.#propose();
  }

  granted(lease: Lease): void {
    if (this.#term === undefined) return;
    const timed = { lease, deadlineMs: this.#advance() + lease.ttlSeconds * 1_000 };
    this.#timed.set(lease.id, timed);
    this.#lookLater(timed);
  }

  ended(id: bigint): void {
    this.#timed.delete(id);
    this.#due.delete(id);
  }

  /** Starts a lease's time afresh; false when its end has been decided upon. For a lease that is there, while leading. */
  keepAlive(lease: Lease): boolean {
    const timed = this.#timed.get(lease.id);
    if (timed === undefined || this.#isEnding(lease)) return false;
    timed.deadlineMs = this.#advance() + lease.ttlSeconds * 1_000;
    return true;
  }

  /** What is left of a lease; 0 when its end has been decided upon. */
  remainingMs(lease: Lease): number {
    const timed = this.#timed.get(lease.id);
    if (timed === undefined || this.#isEnding(lease)) return 0;
    return Math.max(0, timed.deadlineMs - this.#advance());
  }

  #isEnding({ id, grantIndex }: Lease): boolean {
    return this.#due.has(id) || this.#proposed.get(id)?.grantIndex === grantIndex;
  }

  /** Brings the lessor's time up to the clock, but for time in which this replica stood still; returns it. */
  #advance(): number {
    const now = this.#options.clock.monotonicMs();
    const passed = now - this.#clockMs;
    this.#timeMs += passed > this.#options.standstillMs ? stepMs : passed;
    this.#clockMs = now;
    return this.#timeMs;
  }

  #lookLater(timed: TimedLease): void {
    const step = Math.min(Math.max(stepOf(timed.deadlineMs), this.#nextStep), this.#nextStep + maxStepsAhead);
    const others = this.#steps.get(step);
    if (others === undefined) this.#steps.set(step, [timed]);
    else others.push(timed);
  }

  #look(timed: TimedLease): void {
    const { lease, deadlineMs } = timed;
    if (this.#timed.get(lease.id) !== timed) return;
    if (deadlineMs <= this.#timeMs) this.#due.set(lease.id, lease);
    else this.#lookLater(timed);
  }

  /** Proposes the end of leases, a batch at a time. */
  #propose(): void {
    if (this.#proposed.size > 0 || this.#due.size === 0 || this.#term === undefined) return;
    const { expireBatch } = this.#options;
    let keys = 0;
    for (const lease of this.#due.values()) {
      if (this.#proposed.size >= expireBatch || (keys > 0 && keys + lease.keys.size > expireBatch)) break;
      this.#proposed.set(lease.id, lease);
      keys += lease.keys.size;
    }
    void this.#options.expire([...this.#proposed.values()]).then(() => this.#proposalEnded());
  }

  #proposalEnded(): void {
    const leases = this.#proposed;
    this.#proposed = new Map();
    if (this.#term === undefined) return;
    let isProgress = false;
    for (const lease of leases.values()) {
      const current = this.#options.leases().get(lease.id);
      // Perhaps nobody knows whether the proposal is in the log: the lease must not be kept alive, so its end is proposed again.
      if (current?.grantIndex === lease.grantIndex) this.#due.set(lease.id, current);
      else isProgress = true;
    }
    // Without progress the next tick is soon enough.
    if (isProgress) this.#propose();
  }
}

function stepOf(timeMs: number): number {
  return Math.floor(timeMs / stepMs);
}
