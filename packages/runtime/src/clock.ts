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
