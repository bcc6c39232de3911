import type { Clock, Runtime, TimerHandle } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend, LeaseGrant } from '../backend/coordination-backend.ts';
import { cancelledBy, throwIfCancelled, unlessAborted } from '../cancellation.ts';
import { coordinationErrorOf } from '../coordination-error.ts';
import type { Renewal, RenewalService } from './renewal-service.ts';
import { type Session, SessionLostError } from './session.ts';
import { SharedDeadline } from './shared-deadline.ts';

/** The wait before a failed revocation is tried again, at first; it doubles up to the longest. */
const firstRetryMs = 50;
const longestRetryMs = 1_000;
/** The longest that one attempt may take. */
const attemptMs = 1_000;

/** What a session is made of; times in the clock of `renewals`. */
export interface LeaseSessionOptions {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  readonly renewals: RenewalService;
  readonly grant: LeaseGrant;
  readonly marginMs: number;
  readonly deadlineMs: number;
  readonly renewIntervalMs: number;
}

/** A session over a lease that was granted. */
export class LeaseSession implements Session {
  readonly leaseId: bigint;
  readonly ttlMs: number;
  readonly #backend: CoordinationBackend;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #deadline = new SharedDeadline();
  readonly #marginMs: number;
  readonly #renewal: Renewal;
  readonly #controller = new AbortController();
  #timer: TimerHandle | undefined;
  /** Set once the lease is lost. */
  #loss: SessionLostError | undefined;
  /** When the renewal ended, by loss or by `close`. */
  #endedAtMs = 0;
  #closing: Promise<void> | undefined;

  constructor(options: LeaseSessionOptions) {
    const { backend, runtime, renewals, grant, marginMs, deadlineMs, renewIntervalMs } = options;
    this.leaseId = grant.leaseId;
    this.ttlMs = grant.ttlMs;
    this.#backend = backend;
    this.#runtime = runtime;
    this.#clock = renewals.clock;
    this.#marginMs = marginMs;
    this.#deadline.atMs = deadlineMs;
    const { leaseId, ttlMs } = grant;
    const lease = { leaseId, ttlMs, deadline: this.#deadline.memory, renewIntervalMs, marginMs };
    this.#renewal = renewals.keep(lease, (error) => this.#lose(error));
    this.#watchDeadline();
  }

  get isAlive(): boolean {
    return this.remainingMs > 0;
  }

  get remainingMs(): number {
    if (this.#controller.signal.aborted) return 0;
    const leftMs = this.#deadline.atMs - this.#clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    // Told at once, so that nobody sees a lease that is not alive beside a signal that has not aborted.
    this.#lose(new SessionLostError('the lease was not renewed in time'));
    return 0;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async renew(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    throwIfCancelled(signal, 'renewing a session');
    if (!this.isAlive) throw this.#whyDead();
    const renewed = unlessAborted(this.#renewal.renew(), this.signal, () => this.#whyDead());
    await unlessAborted(renewed, signal, () => cancelledBy(signal as AbortSignal, 'renewing a session'));
  }

  async close(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options;
    this.#closing ??= this.#shutDown();
    await unlessAborted(this.#closing, signal, () => cancelledBy(signal as AbortSignal, 'closing a session'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #whyDead(): SessionLostError {
    return this.#loss ?? new SessionLostError('the session was closed');
  }

  #lose(error: SessionLostError): void {
    if (this.#controller.signal.aborted) return;
    this.#loss = error;
    this.#end(error);
  }

  #end(reason: unknown): void {
    this.#endedAtMs = this.#clock.monotonicMs();
    this.#timer?.cancel();
    this.#renewal.stop();
    this.#controller.abort(reason);
  }

  /** Wakes when the lease would end, to tell its loss to those who wait for the signal; mostly it has moved on by then. */
  #watchDeadline(): void {
    const leftMs = this.remainingMs;
    if (leftMs > 0) this.#timer = this.#runtime.timers.after(leftMs, () => this.#watchDeadline());
  }

  async #shutDown(): Promise<void> {
    if (!this.#controller.signal.aborted) this.#end(new DOMException('the session was closed', 'AbortError'));
    const giveUpAtMs = this.#endedAtMs + this.ttlMs + this.#marginMs;
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(longestRetryMs, waitMs * 2)) {
      const leftMs = giveUpAtMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return;
      try {
        await this.#backend.revokeLease(this.leaseId, { timeoutMs: Math.min(leftMs, attemptMs) });
        return;
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        if (error.code === 'leaseNotFound') return;
        if (error.code === 'closed') throw coordinationErrorOf(error, 'closing a session');
      }
      await this.#runtime.timers.sleep(waitMs);
    }
  }
}
