import { type Runtime, type TimerHandle, unreachable } from '@flotilla/runtime';
import { BackendError } from '../../backend/backend-error.ts';
import type { CoordinationBackend } from '../../backend/coordination-backend.ts';
import { SharedDeadline } from '../shared-deadline.ts';
import type { KeptLease, LossReason, RenewerEvent, RenewerMessage } from './message.ts';

/** The wait before a failed renewal is tried again, at first. */
const firstRetryMs = 50;
const retryGrowth = 1.5;
/** The longest wait; and never longer than from one renewal to the next. */
const longestRetryMs = 1_000;
/** The least time that an attempt is given, as far as the lease lasts: a busy server must not look like a dead one. */
const leastAttemptMs = 1_000;

/** What the renewer needs; `clock` is one that whoever reads the deadlines reads alike. */
export interface RenewerOptions {
  readonly backend: Pick<CoordinationBackend, 'keepLeaseAlive'>;
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>;
  readonly emit: (event: RenewerEvent) => void;
}

interface Lease extends Omit<KeptLease, 'deadline'> {
  readonly sessionId: number;
  readonly deadline: SharedDeadline;
  readonly forgotten: AbortController;
  timer: TimerHandle | undefined;
  isRenewing: boolean;
  failuresInARow: number;
  /** Who waits for a renewal that has yet to be sent. */
  requestIds: number[];
}

/**
 * Keeps leases alive: each is renewed in its rhythm, and again after a wait when that failed, for as long as it can be trusted.
 * The same on a thread and in line.
 *
 * Invariant: a deadline counts from when the confirmed renewal was sent, and only ever moves while it has not passed. So whoever
 * saw it pass may rely on that, whatever answers come later.
 */
export class LeaseRenewer {
  readonly #options: RenewerOptions;
  readonly #leases = new Map<number, Lease>();

  constructor(options: RenewerOptions) {
    this.#options = options;
  }

  /** How many it keeps. */
  get leases(): number {
    return this.#leases.size;
  }

  handle(message: RenewerMessage): void {
    switch (message.type) {
      case 'keep':
        this.#keep(message);
        return;
      case 'renew': {
        const lease = this.#leases.get(message.sessionId);
        // Whoever lost its lease hears of that; there is nothing to renew.
        if (lease === undefined) return;
        lease.requestIds.push(message.requestId);
        if (!lease.isRenewing) void this.#renew(lease);
        return;
      }
      case 'forget': {
        const lease = this.#leases.get(message.sessionId);
        if (lease !== undefined) this.#forget(lease);
        return;
      }
      default:
        unreachable(message, 'message to the renewer of leases');
    }
  }

  #keep({ deadline, ...kept }: KeptLease & { readonly sessionId: number }): void {
    const { sessionId, ttlMs, marginMs, renewIntervalMs } = kept;
    const lease: Lease = {
      ...kept,
      deadline: new SharedDeadline(deadline),
      forgotten: new AbortController(),
      timer: undefined,
      isRenewing: false,
      failuresInARow: 0,
      requestIds: [],
    };
    this.#leases.set(sessionId, lease);
    const renewedAtMs = lease.deadline.atMs - ttlMs + marginMs;
    this.#arm(lease, renewedAtMs + renewIntervalMs - this.#options.runtime.clock.monotonicMs());
  }

  #forget(lease: Lease): void {
    this.#leases.delete(lease.sessionId);
    lease.timer?.cancel();
    lease.forgotten.abort();
  }

  #lose(lease: Lease, reason: LossReason): void {
    this.#forget(lease);
    this.#options.emit({ type: 'lost', sessionId: lease.sessionId, reason });
  }

  #arm(lease: Lease, delayMs: number): void {
    const { clock, timers } = this.#options.runtime;
    // Also when a renewal would come too late: the loss is told when it is due.
    const leftMs = lease.deadline.atMs - clock.monotonicMs();
    lease.timer = timers.after(Math.max(0, Math.min(delayMs, leftMs)), () => void this.#renew(lease));
  }

  async #renew(lease: Lease): Promise<void> {
    const { runtime, emit } = this.#options;
    lease.timer?.cancel();
    const sentAtMs = runtime.clock.monotonicMs();
    if (sentAtMs >= lease.deadline.atMs) {
      this.#lose(lease, 'deadlinePassed');
      return;
    }
    const requestIds = lease.requestIds;
    lease.requestIds = [];
    lease.isRenewing = true;
    const outcome = await this.#ask(lease, lease.deadline.atMs - sentAtMs);
    lease.isRenewing = false;
    if (lease.forgotten.signal.aborted) return;
    const nowMs = runtime.clock.monotonicMs();
    if (nowMs >= lease.deadline.atMs) {
      this.#lose(lease, 'deadlinePassed');
    } else if (typeof outcome === 'number') {
      lease.deadline.atMs = sentAtMs + outcome - lease.marginMs;
      lease.failuresInARow = 0;
      if (requestIds.length > 0) emit({ type: 'renewed', sessionId: lease.sessionId, requestIds });
      this.#arm(lease, lease.requestIds.length > 0 ? 0 : sentAtMs + lease.renewIntervalMs - nowMs);
    } else {
      lease.requestIds.unshift(...requestIds);
      this.#takeFailure(lease, outcome.error);
    }
  }

  /** Sends one renewal: the ttl that it was answered with, or the error. An attempt leaves time for another where the lease does. */
  async #ask(lease: Lease, leftMs: number): Promise<number | { readonly error: unknown }> {
    const timeoutMs = Math.max(1, Math.min(leftMs, Math.max(leastAttemptMs, lease.renewIntervalMs / 2)));
    try {
      const signal = lease.forgotten.signal;
      return await this.#options.backend.keepLeaseAlive(lease.leaseId, { timeoutMs, signal });
    } catch (error) {
      return { error };
    }
  }

  #takeFailure(lease: Lease, error: unknown): void {
    const code = error instanceof BackendError ? error.code : undefined;
    if (code === 'leaseNotFound' || code === 'closed') {
      this.#lose(lease, code === 'closed' ? 'backendClosed' : code);
      return;
    }
    const { runtime, emit } = this.#options;
    const longestMs = Math.min(longestRetryMs, lease.renewIntervalMs / 2);
    const waitMs = Math.min(longestMs, firstRetryMs * retryGrowth ** lease.failuresInARow);
    lease.failuresInARow += 1;
    // Between half of it and the whole, so that those who were cut off together do not come back together.
    const retryInMs = waitMs * (1 - runtime.random.fraction() / 2);
    const message = error instanceof Error ? error.message : String(error);
    emit({ type: 'retrying', sessionId: lease.sessionId, code, message, retryInMs });
    this.#arm(lease, retryInMs);
  }
}
