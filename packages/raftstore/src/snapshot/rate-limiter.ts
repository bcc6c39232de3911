import type { Clock, Timers } from '@flotilla/runtime';

/** Unused time that may be made up for: less than this is not worth a wait. */
const burstMs = 100;

/**
 * Lets bytes pass at a rate, in the order they were asked for: a token bucket that holds what a tenth of a second brings,
 * and goes into debt for anything larger.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #bytesPerSecond: number;
  /** When everything that was let pass has been paid for. */
  #paidAtMs = 0;

  constructor(runtime: { readonly clock: Clock; readonly timers: Timers }, bytesPerSecond: number) {
    this.#clock = runtime.clock;
    this.#timers = runtime.timers;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` more have been paid for; rejects when the signal aborts first. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs - burstMs) + (bytes * 1_000) / this.#bytesPerSecond;
    const waitMs = this.#paidAtMs - nowMs;
    if (waitMs > 0) await this.#timers.sleep(waitMs, signal);
  }
}
