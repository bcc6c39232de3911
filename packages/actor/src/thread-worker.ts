import { Worker } from 'node:worker_threads';
import { unreachable } from '@flotilla/runtime';
import { reviveError } from './plain-error.ts';
import { SupervisedWorker } from './supervised-worker.ts';
import type { TaskHost, TaskHostEvents } from './task-host.ts';
import type { TaskFailureCode, TaskWorker, TaskWorkerOptions } from './task-worker.ts';
import type { FromThread, ToThread } from './thread-message.ts';

/** What a worker on a thread needs. */
export interface ThreadWorkerOptions<Task, Result> extends TaskWorkerOptions<Task, Result> {
  /** The compiled module that the thread runs; it calls `serveTaskHandler`. */
  readonly entry: URL;
  /** Plain data for the handler: paths, limits, a log level. */
  readonly workerData?: unknown;
}

/**
 * Spawns a worker that handles its tasks on a thread of its own. A thread whose handler throws, that ends, or that
 * overruns the task deadline is replaced after a back-off, and its task is attempted again on the next.
 *
 * The process stays alive until the worker is closed.
 */
export function spawnThreadWorker<Task, Result>(options: ThreadWorkerOptions<Task, Result>): TaskWorker<Task> {
  return new SupervisedWorker<Task, Result>(options, (events) => new ThreadHost(options, events));
}

class ThreadHost<Task, Result> implements TaskHost<Task> {
  readonly #events: TaskHostEvents<Result>;
  readonly #thread: Worker;
  #isReady = false;
  #taskId = 0;
  #closing: { resolve(): void; reject(reason: unknown): void } | undefined;

  constructor(options: ThreadWorkerOptions<Task, Result>, events: TaskHostEvents<Result>) {
    this.#events = events;
    // Without the flags of this process: loaders and test conditions have no place in a compiled entry.
    this.#thread = new Worker(options.entry, { name: options.name, workerData: options.workerData, execArgv: [] });
    this.#thread.on('message', (message: FromThread<Result>) => this.#dispatch(message));
    this.#thread.on('messageerror', (cause) => this.#end('threadExited', cause));
    this.#thread.on('error', (cause) => this.#end('threadExited', cause));
    this.#thread.on('exit', (exitCode) => this.#end('threadExited', new Error(`the thread ended with ${exitCode}`)));
  }

  run(task: Task): void {
    this.#say({ type: 'task', id: this.#taskId + 1, task });
    this.#taskId += 1;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve, reject) => {
      this.#closing = { resolve, reject };
    });
    this.#say({ type: 'close' });
    try {
      await closed;
    } finally {
      await this.kill();
    }
  }

  async kill(): Promise<void> {
    await this.#thread.terminate();
  }

  #say(message: ToThread<Task>): void {
    this.#thread.postMessage(message);
  }

  #dispatch(message: FromThread<Result>): void {
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#events.onReady();
        return;
      case 'result':
        if (message.id === this.#taskId) this.#events.onResult(message.result);
        return;
      case 'done':
        if (message.id === this.#taskId) this.#events.onDone();
        return;
      case 'failed':
        this.#end('handlerThrew', reviveError(message.error));
        return;
      case 'closed':
        if (message.error === undefined) this.#closing?.resolve();
        else this.#closing?.reject(reviveError(message.error));
        return;
      default:
        unreachable(message, 'message from a thread');
    }
  }

  /** Reports the end of the thread to whoever waits for something of it; the worker hears the first report only. */
  #end(code: TaskFailureCode, cause: unknown): void {
    this.#closing?.reject(cause);
    this.#events.onFailed(this.#isReady ? code : 'startFailed', cause);
  }
}
