import { assert, type TimerHandle } from '@flotilla/runtime';
import type { SendOutcome } from './mailbox.ts';
import { Ring } from './ring.ts';
import type { StartTaskHost, TaskHost, TaskHostEvents } from './task-host.ts';
import type { TaskFailureCode, TaskWorker, TaskWorkerOptions, TaskWorkerStats } from './task-worker.ts';

interface Entry<Task> {
  readonly task: Task;
  attempts: number;
}

/**
 * A task worker over hosts that may fail: the queue lives here and outlasts them.
 *
 * One task at a time is with the host, so a deadline and a retry concern one task only; the time a task
 * takes to a thread and back (about 30 µs) is small against what deserves a thread. A task whose attempt failed stays at the head of the
 * queue, so that tasks complete in the order they were scheduled. When a host fails before it is ready, the task at the
 * head is charged with the attempt, so that a handler that cannot be created fails its tasks instead of keeping them.
 *
 * Invariant: only the present host is heard; `#epoch` names it.
 */
export class SupervisedWorker<Task, Result> implements TaskWorker<Task> {
  readonly #options: TaskWorkerOptions<Task, Result>;
  readonly #startHost: StartTaskHost<Task, Result>;
  readonly #queue = new Ring<Entry<Task>>();
  /** The task at the head: with the host when `#isRunning`, else waiting for its next attempt. */
  #current: Entry<Task> | undefined;
  #results: Result[] = [];
  #host: TaskHost<Task> | undefined;
  #epoch = 0;
  #isReady = false;
  #isRunning = false;
  #isPumpDeferred = false;
  #failuresInARow = 0;
  #done = 0;
  #failed = 0;
  #retried = 0;
  #replaced = 0;
  /** The one timer that is armed: start deadline, task deadline, or restart. */
  #timer: TimerHandle | undefined;
  #killing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #onQuiet: (() => void) | undefined;

  constructor(options: TaskWorkerOptions<Task, Result>, startHost: StartTaskHost<Task, Result>) {
    const { capacity, maxAttempts = 3 } = options;
    assert(Number.isSafeInteger(capacity) && capacity >= 1, 'a capacity is a whole number of at least 1', { capacity });
    assert(Number.isSafeInteger(maxAttempts) && maxAttempts >= 1, 'a task is attempted at least once', { maxAttempts });
    this.#options = options;
    this.#startHost = startHost;
    this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  get pending(): number {
    return this.#queue.length + (this.#current === undefined ? 0 : 1);
  }

  get stats(): TaskWorkerStats {
    return {
      done: this.#done,
      failed: this.#failed,
      retried: this.#retried,
      replaced: this.#replaced,
      pending: this.pending,
      isRunning: this.#isRunning,
    };
  }

  schedule(task: Task): SendOutcome {
    if (this.#closing !== undefined) return 'closed';
    if (this.pending >= this.#options.capacity) return 'full';
    this.#queue.push({ task, attempts: 0 });
    if (!this.#isPumpDeferred) {
      this.#isPumpDeferred = true;
      this.#options.timers.defer(() => {
        this.#isPumpDeferred = false;
        this.#pump();
      });
    }
    return 'accepted';
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  #start(): void {
    this.#epoch += 1;
    const epoch = this.#epoch;
    const ifPresent = (event: () => void): void => {
      if (epoch === this.#epoch) event();
    };
    const events: TaskHostEvents<Result> = {
      onReady: () => ifPresent(() => this.#becomeReady()),
      onResult: (result) => ifPresent(() => this.#results.push(result)),
      onDone: () => ifPresent(() => this.#complete()),
      onFailed: (code, cause) => ifPresent(() => this.#replace(code, cause)),
    };
    this.#armDeadline(this.#options.startDeadlineMs ?? 30_000, 'startFailed');
    this.#host = this.#startHost(events);
  }

  #becomeReady(): void {
    assert(!this.#isReady, 'a host becomes ready once', { worker: this.name });
    this.#disarm();
    this.#isReady = true;
    this.#pump();
  }

  /** Gives the host its next task when it is free for one. */
  #pump(): void {
    while (this.#isReady && !this.#isRunning && this.#closing === undefined && this.#host !== undefined) {
      this.#current ??= this.#queue.shift();
      const entry = this.#current;
      if (entry === undefined) return;
      entry.attempts += 1;
      this.#results = [];
      try {
        this.#host.run(entry.task);
      } catch (cause) {
        this.#fail(entry, 'notPlainData', cause);
        continue;
      }
      this.#isRunning = true;
      if (this.#options.deadlineMs !== undefined) this.#armDeadline(this.#options.deadlineMs, 'deadlineExceeded');
    }
  }

  #complete(): void {
    const entry = this.#current;
    assert(this.#isRunning && entry !== undefined, 'only a running task completes', { worker: this.name });
    this.#disarm();
    const results = this.#results;
    this.#results = [];
    this.#current = undefined;
    this.#isRunning = false;
    this.#failuresInARow = 0;
    this.#done += 1;
    for (const result of results) this.#options.onResult(result, entry.task);
    this.#onQuiet?.();
    this.#pump();
  }

  /** Ends the present host and, unless the worker is being closed, arms the start of the next. */
  #replace(code: TaskFailureCode, cause: unknown): void {
    const { logger, maxAttempts = 3 } = this.#options;
    this.#disarm();
    this.#epoch += 1;
    this.#killing = this.#host?.kill() ?? Promise.resolve();
    this.#host = undefined;
    this.#isReady = false;
    this.#isRunning = false;
    this.#failuresInARow += 1;
    const entry = this.#takeCharged(code);
    const isFinal = entry !== undefined && (entry.attempts >= maxAttempts || this.#closing !== undefined);
    const fields = { worker: this.name, code, attempts: entry?.attempts ?? 0, isFinal, error: cause };
    if (this.#closing !== undefined) {
      logger.warn('a task worker failed while it was being closed', fields);
    } else {
      const backoffMs = this.#backoffMs();
      logger.warn('a task worker failed and is being replaced', { ...fields, backoffMs });
      this.#replaced += 1;
      this.#restartAfter(backoffMs);
    }
    if (entry !== undefined && isFinal) this.#fail(entry, code, cause);
    else if (entry !== undefined) this.#retried += 1;
    this.#onQuiet?.();
  }

  /** The task that the failed attempt counts for. */
  #takeCharged(code: TaskFailureCode): Entry<Task> | undefined {
    if (code !== 'startFailed' && this.#current === undefined) return undefined;
    this.#current ??= this.#queue.shift();
    if (this.#current !== undefined && code === 'startFailed') this.#current.attempts += 1;
    return this.#current;
  }

  #restartAfter(backoffMs: number): void {
    const epoch = this.#epoch;
    // The old host must have let go of its files before the new one opens them.
    void this.#killing.then(() => {
      if (epoch !== this.#epoch || this.#closing !== undefined) return;
      this.#timer = this.#options.timers.after(backoffMs, () => this.#start());
    });
  }

  #backoffMs(): number {
    const { restartBackoffMs = 50, maxRestartBackoffMs = 5_000 } = this.#options;
    return Math.min(restartBackoffMs * 2 ** (this.#failuresInARow - 1), maxRestartBackoffMs);
  }

  #fail(entry: Entry<Task>, code: TaskFailureCode, cause: unknown): void {
    if (this.#current === entry) this.#current = undefined;
    this.#failed += 1;
    this.#options.onFailure({ task: entry.task, code, attempts: entry.attempts, cause });
  }

  async #shutDown(): Promise<void> {
    // Callers of `close` see it closed before anything is failed, because `onFailure` may call back.
    await Promise.resolve();
    if (!this.#isRunning && this.#current !== undefined) this.#fail(this.#current, 'workerClosed', undefined);
    for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
      this.#fail(entry, 'workerClosed', undefined);
    }
    if (this.#isRunning) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve;
      });
    }
    this.#disarm();
    this.#epoch += 1;
    if (this.#host !== undefined) await this.#closeHost(this.#host);
    await this.#killing;
  }

  async #closeHost(host: TaskHost<Task>): Promise<void> {
    const { closeDeadlineMs = 10_000, logger, timers } = this.#options;
    const closed = new AbortController();
    const overdue = timers.sleep(closeDeadlineMs, closed.signal).then(
      () => {
        logger.warn('a task worker did not close in time and is ended by force', {
          worker: this.name,
          closeDeadlineMs,
        });
        return host.kill();
      },
      () => {},
    );
    try {
      await Promise.race([host.close(), overdue]);
    } catch (error) {
      logger.warn('a task handler failed to close', { worker: this.name, error });
    } finally {
      closed.abort();
    }
  }

  #armDeadline(deadlineMs: number, code: 'deadlineExceeded' | 'startFailed'): void {
    this.#timer = this.#options.timers.after(deadlineMs, () => {
      this.#replace(code, new Error(`not done within ${deadlineMs} ms`));
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
