/** Reads time. Durations are always measured with `monotonicMs`; `wallMs` is for people and for timestamps. */
export interface Clock {
  /** Milliseconds since an arbitrary origin, with fractions; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; may jump either way. */
  wallMs(): number;
}

/** The clock of this process. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/**
 * The clock of this process as all its threads read it alike. Readings of `systemClock` count from an origin that each thread may
 * have of its own, and `performance.timeOrigin` cannot reconcile them, because it follows the wall clock.
 */
export const processClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
};
