import { flattenError, reviveError } from './plain-error.ts';
import { SupervisedWorker } from './supervised-worker.ts';
import type { TaskHost, TaskHostEvents } from './task-host.ts';
import { runTask } from './task-run.ts';
import type { TaskFailureCode, TaskHandler, TaskWorker, TaskWorkerOptions } from './task-worker.ts';

/** What an inline worker needs. */
export interface InlineWorkerOptions<Task, Result> extends TaskWorkerOptions<Task, Result> {
  /** Makes the handler, and a new one whenever an attempt has failed. */
  readonly createHandler: () => TaskHandler<Task, Result> | Promise<TaskHandler<Task, Result>>;
}

/**
 * Spawns a worker that handles its tasks in this thread, between other work; deterministic on simulated timers. Tasks
 * and results are cloned as if they crossed to a thread, so what works here works there. A handler that overruns its
 * deadline cannot be ended by force: it is abandoned, and closed when it returns.
 */
export function spawnInlineWorker<Task, Result>(options: InlineWorkerOptions<Task, Result>): TaskWorker<Task> {
  return new SupervisedWorker<Task, Result>(options, (events) => new InlineHost(options, events));
}

class InlineHost<Task, Result> implements TaskHost<Task> {
  readonly #options: InlineWorkerOptions<Task, Result>;
  readonly #events: TaskHostEvents<Result>;
  #handler: TaskHandler<Task, Result> | undefined;
  #isDead = false;
  /** Whether the handler is being created or handles a task. */
  #isBusy = true;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: InlineWorkerOptions<Task, Result>, events: TaskHostEvents<Result>) {
    this.#options = options;
    this.#events = events;
    options.timers.defer(() => void this.#create());
  }

  run(task: Task): void {
    const copy = structuredClone(task);
    this.#isBusy = true;
    this.#options.timers.defer(() => void this.#run(copy));
  }

  async close(): Promise<void> {
    if (this.#isBusy) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#isDead = true;
    await this.#closeHandler();
  }

  async kill(): Promise<void> {
    this.#isDead = true;
    if (!this.#isBusy) await this.#discard();
  }

  async #create(): Promise<void> {
    try {
      this.#handler = await this.#options.createHandler();
      await this.#becomeIdle(() => this.#events.onReady());
    } catch (cause) {
      await this.#becomeIdle(() => this.#report('startFailed', cause));
    }
  }

  async #run(task: Task): Promise<void> {
    const handler = this.#handler;
    if (handler === undefined) return;
    try {
      await runTask(handler, task, (result, transfer) => {
        const copy = structuredClone(result, { transfer: [...(transfer ?? [])] });
        if (!this.#isDead) this.#events.onResult(copy);
      });
    } catch (cause) {
      await this.#becomeIdle(() => this.#report('handlerThrew', cause));
      return;
    }
    await this.#becomeIdle(() => this.#events.onDone());
  }

  #report(code: TaskFailureCode, cause: unknown): void {
    this.#events.onFailed(code, reviveError(flattenError(cause)));
  }

  /** Ends what was being done: reports it, or frees the handler when the host was given up meanwhile. */
  async #becomeIdle(report: () => void): Promise<void> {
    this.#isBusy = false;
    this.#onIdle?.();
    if (this.#isDead) await this.#discard();
    else report();
  }

  /** Closes the handler once, whoever asks first. */
  #closeHandler(): Promise<void> {
    this.#closing ??= (async () => this.#handler?.close?.())();
    return this.#closing;
  }

  async #discard(): Promise<void> {
    try {
      await this.#closeHandler();
    } catch (error) {
      this.#options.logger.warn('a task handler failed to close', { worker: this.#options.name, error });
    }
  }
}
