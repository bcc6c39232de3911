import type { TaskHandler } from '@flotilla/actor';
import type { RaftLogStore } from '@flotilla/engine';
import type { LogGcResult, LogGcTask } from './message.ts';

/** Deletes log entries that nobody needs. */
export class LogGcHandler implements TaskHandler<LogGcTask, LogGcResult> {
  readonly #logStore: RaftLogStore;
  readonly #closeEngine: (() => Promise<void>) | undefined;

  /** `closeEngine` ends an engine that was opened for this handler alone. */
  constructor(logStore: RaftLogStore, closeEngine?: () => Promise<void>) {
    this.#logStore = logStore;
    this.#closeEngine = closeEngine;
  }

  async handle(task: LogGcTask, emit: (result: LogGcResult) => void): Promise<void> {
    const { regionId, startIndex, endIndex } = task;
    const collected = await this.#logStore.deleteRange(regionId, startIndex, endIndex);
    emit({ regionId, endIndex, collected });
  }

  async close(): Promise<void> {
    await this.#closeEngine?.();
  }
}
