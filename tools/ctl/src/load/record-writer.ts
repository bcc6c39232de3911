import type { Clock, Timers } from '@flotilla/runtime';
import type { WriteOutcome } from './loader.ts';

/** How long and how often a record is tried. */
export interface RecordWriterConfig {
  /** Gives up when nothing at all has been acknowledged for this long. */
  readonly patienceMs: number;
  /** Pause before the second attempt; doubles up to `maxPauseMs`. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

/** The figures that `load` uses: a cluster elects a leader and a killed store restarts well within the patience. */
export const defaultRecordWriterConfig: RecordWriterConfig = {
  patienceMs: 60_000,
  minPauseMs: 50,
  maxPauseMs: 1_000,
};

/** One attempt to put a record; rejects when it was refused, failed, or its outcome is unknown. */
export type PutAttempt = (key: Uint8Array, value: Uint8Array) => Promise<void>;

/** What a failed attempt means: the record can never be written, or it is worth trying again. */
export type FailureKind = { readonly type: 'refused'; readonly reason: string } | { readonly type: 'retry' };

/**
 * Puts records until they are acknowledged. A put of the same key and value may be repeated at will, which is why an
 * attempt of unknown outcome is tried again here, and only here.
 */
export class RecordWriter {
  readonly #put: PutAttempt;
  readonly #classify: (error: unknown) => FailureKind;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #config: RecordWriterConfig;
  readonly #interrupt: AbortSignal;
  #lastSuccessMs: number;
  #waiting = 0;

  constructor(options: {
    readonly put: PutAttempt;
    readonly classify: (error: unknown) => FailureKind;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly config: RecordWriterConfig;
    readonly interrupt: AbortSignal;
  }) {
    this.#put = options.put;
    this.#classify = options.classify;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#config = options.config;
    this.#interrupt = options.interrupt;
    this.#lastSuccessMs = options.clock.monotonicMs();
  }

  /** Records waiting for another attempt: while it is not 0, the cluster is not answering as it should. */
  get waiting(): number {
    return this.#waiting;
  }

  async write(key: Uint8Array, value: Uint8Array): Promise<WriteOutcome> {
    for (let pauseMs = this.#config.minPauseMs; ; pauseMs = Math.min(pauseMs * 2, this.#config.maxPauseMs)) {
      try {
        await this.#put(key, value);
        this.#lastSuccessMs = this.#clock.monotonicMs();
        return { type: 'written' };
      } catch (cause) {
        const kind = this.#classify(cause);
        if (kind.type === 'refused') return kind;
        const silentMs = this.#clock.monotonicMs() - this.#lastSuccessMs;
        if (this.#interrupt.aborted || silentMs >= this.#config.patienceMs) return { type: 'gaveUp', cause };
        if (!(await this.#pause(pauseMs))) return { type: 'gaveUp', cause };
      }
    }
  }

  async #pause(pauseMs: number): Promise<boolean> {
    this.#waiting += 1;
    try {
      await this.#timers.sleep(pauseMs, this.#interrupt);
      return true;
    } catch {
      return false;
    } finally {
      this.#waiting -= 1;
    }
  }
}
