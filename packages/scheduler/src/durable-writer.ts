import type { Engine, WriteBatch } from '@flotilla/engine';
import type { Logger } from '@flotilla/runtime';
import { SchedulerError } from '@flotilla/scheduler-client';

/**
 * Writes to the engine, always synced, until a write fails. After a failed sync nobody knows what is on disk, and a
 * retry that succeeds proves nothing about it; so the writer refuses everything from then on, and only a restart, which
 * reads what is there, goes on.
 */
export class DurableWriter {
  readonly #engine: Engine;
  readonly #logger: Logger;
  #failure: unknown;

  constructor(engine: Engine, logger: Logger) {
    this.#engine = engine;
    this.#logger = logger;
  }

  /** Whether a write has failed. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Writes what `fill` adds, as one batch.
   *
   * @throws {SchedulerError} with code `unknown` when this or an earlier write failed.
   */
  async write(fill: (batch: WriteBatch) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#refusal();
    const batch = this.#engine.batch();
    fill(batch);
    try {
      await this.#engine.write(batch, { sync: true });
    } catch (error) {
      if (this.#failure === undefined) {
        this.#failure = error;
        this.#logger.fatal('a write to the scheduler database failed; nothing more is accepted until a restart', {
          error,
        });
      }
      throw this.#refusal();
    }
  }

  #refusal(): SchedulerError {
    return new SchedulerError('unknown', "the scheduler's storage failed; it accepts nothing until it is restarted", {
      cause: this.#failure,
    });
  }
}
