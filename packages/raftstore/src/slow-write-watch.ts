import type { Clock, Logger } from '@flotilla/runtime';
import type { RaftStoreConfig } from './config.ts';
import type { StoreMetrics } from './metrics.ts';

/** What the watch needs. */
export interface SlowWriteWatchOptions {
  /** The database whose writes it watches, for people. */
  readonly database: 'kv' | 'raft';
  readonly config: Pick<RaftStoreConfig, 'slowWriteMs' | 'slowWriteWarningIntervalMs'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
}

/**
 * Tells of writes that take too long: while they are under way, since a disk that hangs may never end them, or at their end.
 * At most one warning in each interval, which says how many writes were slow since the last.
 *
 * Invariant: one write at a time is under way.
 */
export class SlowWriteWatch {
  readonly #options: SlowWriteWatchOptions;
  #beganMs: number | undefined;
  /** Whether the write under way has been counted. */
  #isCounted = false;
  #unreported = 0;
  #lastWarningMs: number | undefined;

  constructor(options: SlowWriteWatchOptions) {
    this.#options = options;
  }

  /** A write begins. */
  begin(): void {
    this.#beganMs = this.#options.clock.monotonicMs();
    this.#isCounted = false;
  }

  /** The write under way has ended, well or not; returns how long it took. */
  end(): number {
    const ms = this.#options.clock.monotonicMs() - (this.#beganMs ?? 0);
    if (ms > this.#options.config.slowWriteMs) this.#note(ms, 'a write was slow');
    this.#beganMs = undefined;
    return ms;
  }

  /** Looks at the write under way; called with every tick. */
  check(): void {
    if (this.#beganMs === undefined) return;
    const ms = this.#options.clock.monotonicMs() - this.#beganMs;
    if (ms > this.#options.config.slowWriteMs) this.#note(ms, 'a write does not end');
  }

  #note(ms: number, what: string): void {
    const { clock, config, database, logger, metrics } = this.#options;
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#unreported += 1;
      metrics.slowWrites += 1;
    }
    const nowMs = clock.monotonicMs();
    if (this.#lastWarningMs !== undefined && nowMs - this.#lastWarningMs < config.slowWriteWarningIntervalMs) return;
    this.#lastWarningMs = nowMs;
    logger.warn(what, { database, ms: Math.round(ms), slowWrites: this.#unreported });
    this.#unreported = 0;
  }
}
