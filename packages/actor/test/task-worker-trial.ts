import { createMemoryLogger, type MemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import type { TaskFailure, TaskWorker, TaskWorkerOptions } from '../src/task-worker.ts';
import type { TrialData, TrialResult, TrialTask } from './fixtures/trial-handler.mjs';

/** Spawns the kind of worker that is being tested. */
export type SpawnTrialWorker = (
  options: TaskWorkerOptions<TrialTask, TrialResult>,
  data: TrialData,
) => TaskWorker<TrialTask>;

/**
 * A worker under test with all it has said. Its timers are simulated and move only when told, so that deadlines and
 * back-offs are the test's to give, however slow a real thread is.
 */
export class TaskWorkerTrial {
  readonly world = new SimulatedWorld(1);
  readonly logger: MemoryLogger = createMemoryLogger();
  readonly results: TrialResult[] = [];
  readonly failures: TaskFailure<TrialTask>[] = [];
  readonly worker: TaskWorker<TrialTask>;
  readonly #counts: Int32Array;

  constructor(
    spawn: SpawnTrialWorker,
    options: Partial<TaskWorkerOptions<TrialTask, TrialResult>> = {},
    data: Omit<TrialData, 'signals'> = {},
  ) {
    const signals = new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT);
    this.#counts = new Int32Array(signals);
    this.worker = spawn(
      {
        name: 'trial',
        capacity: 100,
        timers: this.world.createRuntime('n1').timers,
        logger: this.logger,
        onResult: (result) => this.results.push(result),
        onFailure: (failure) => this.failures.push(failure),
        ...options,
      },
      { ...data, signals },
    );
  }

  get created(): number {
    return Atomics.load(this.#counts, 0);
  }

  get begun(): number {
    return Atomics.load(this.#counts, 1);
  }

  get refusedLate(): number {
    return Atomics.load(this.#counts, 3);
  }

  get closed(): number {
    return Atomics.load(this.#counts, 4);
  }

  openGate(): void {
    Atomics.store(this.#counts, 2, 1);
  }

  /** Lets the worker go on, without moving its time, until `predicate` holds; the test's own timeout is the limit. */
  async until(predicate: () => boolean): Promise<void> {
    while (!predicate()) await this.world.advance(0);
  }

  /** Waits until nothing is pending, moving time by `byMs` each round so that back-offs pass. */
  async untilSettled(byMs = 0): Promise<void> {
    while (this.worker.pending > 0) await this.world.advance(byMs);
  }

  async close(): Promise<void> {
    let isClosed = false;
    const closing = this.worker.close().then(() => {
      isClosed = true;
    });
    await this.until(() => isClosed);
    await closing;
  }
}
