import { type Runtime, wholeNumberViolations } from '@flotilla/runtime';

/** How failed calls are tried again. */
export interface RetryConfig {
  /** Attempts beyond the first; 0 for none. */
  readonly maxRetries: number;
  /** The pause before the first retry, and the longest pause before any; in milliseconds. */
  readonly initialIntervalMs: number;
  readonly maxIntervalMs: number;
  /** What each pause is longer by than the one before: 1.5 makes it half as long again. */
  readonly multiplier: number;
  /** The share that chance takes from each pause or adds to it, from 0 to 1, so that callers do not come back together. */
  readonly jitter: number;
}

/** What one run takes. */
export interface RetryRun {
  /** Whether what failed is worth another attempt, and cannot have had an effect. */
  readonly mayRetry: (error: unknown) => boolean;
  /** Ends a pause; the last failure is then the outcome. */
  readonly signal?: AbortSignal | undefined;
  /** No pause is begun that would end later, by the monotonic clock. */
  readonly endMs?: number | undefined;
  readonly onRetry?: ((error: unknown) => void) | undefined;
}

/** Tries again with growing pauses, varied by chance. Pauses are the injected timers', and end at once with the caller's signal. */
export class RetryPolicy {
  readonly #config: RetryConfig;
  readonly #runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>;

  constructor(config: RetryConfig, runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>) {
    this.#config = config;
    this.#runtime = runtime;
  }

  /** Resolves with the first success; rejects with the last failure. */
  async run<T>(attempt: () => Promise<T>, { mayRetry, signal, endMs, onRetry }: RetryRun): Promise<T> {
    for (let retry = 0; ; retry += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (retry >= this.#config.maxRetries || signal?.aborted === true || !mayRetry(error)) throw error;
        const pauseMs = this.pauseMs(retry);
        if (endMs !== undefined && this.#runtime.clock.monotonicMs() + pauseMs >= endMs) throw error;
        onRetry?.(error);
        if (!(await this.#pause(pauseMs, signal))) throw error;
      }
    }
  }

  /** The pause before a retry, the first being 0; drawn anew at each call. */
  pauseMs(retry: number): number {
    const { initialIntervalMs, maxIntervalMs, multiplier, jitter } = this.#config;
    const pauseMs = Math.min(maxIntervalMs, initialIntervalMs * multiplier ** retry);
    return pauseMs * (1 + jitter * (2 * this.#runtime.random.fraction() - 1));
  }

  /** Resolves with whether the pause ran its time. */
  async #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#runtime.timers.sleep(pauseMs, signal);
      return true;
    } catch (error) {
      if (signal?.aborted === true) return false;
      throw error;
    }
  }
}

/** One line for each violation; each begins with the field's name. */
export function retryViolations({ maxRetries, multiplier, jitter, ...intervals }: RetryConfig): string[] {
  const violations = wholeNumberViolations(intervals);
  if (!(Number.isSafeInteger(maxRetries) && maxRetries >= 0)) {
    violations.push(`maxRetries: must be a whole number from 0, got ${String(maxRetries)}`);
  }
  if (!(Number.isFinite(multiplier) && multiplier >= 1)) {
    violations.push(`multiplier: must be a number from 1, got ${String(multiplier)}`);
  }
  if (!(jitter >= 0 && jitter <= 1)) violations.push(`jitter: must be from 0 to 1, got ${String(jitter)}`);
  if (intervals.maxIntervalMs < intervals.initialIntervalMs) {
    violations.push('maxIntervalMs: must be at least initialIntervalMs');
  }
  return violations;
}
