import { flattenError, reviveError } from './plain-error.ts';
import { SupervisedWorker } from './supervised-worker.ts';
import type { TaskHost, TaskHostEvents } from './task-host.ts';
import { runTask } from './task-run.ts';
import type { TaskFailureCode, TaskHandler, TaskWorker, TaskWorkerOptions } from './task-worker.ts';

/**
 * One life of an inline handler that a simulation can end in the middle of a task, as a thread ends: what the handler works
 * with goes through `guard`, and nothing of that answers any more once the life is over.
 */
export interface HandlerLife {
  /** The resource as the handler sees it. */
  guard<Resource extends object>(resource: Resource): Resource;
  /** A task begins; `die` ends the handler with it, at any time until it is done. */
  begin(die: (cause: unknown) => void): void;
  /** The handler is given up. */
  end(): void;
}

/** Hands out what a handler works with; without a life, as it is. */
export type ResourceGuard = <Resource extends object>(resource: Resource) => Resource;

/** What an inline worker needs. */
export interface InlineWorkerOptions<Task, Result> extends TaskWorkerOptions<Task, Result> {
  /** Makes the handler, and a new one whenever an attempt has failed; it works with what it gets through `guard`. */
  readonly createHandler: (guard: ResourceGuard) => TaskHandler<Task, Result> | Promise<TaskHandler<Task, Result>>;
  /** Gives each handler a life; without it a handler cannot be ended by force. */
  readonly createLife?: (() => HandlerLife) | undefined;
}

/**
 * Spawns a worker that handles its tasks in this thread, between other work; deterministic on simulated timers. Tasks
 * and results are cloned as if they crossed to a thread, so what works here works there. A handler that overruns its
 * deadline and has no life of its own cannot be ended by force: it is abandoned, and closed when it returns.
 */
export function spawnInlineWorker<Task, Result>(options: InlineWorkerOptions<Task, Result>): TaskWorker<Task> {
  return new SupervisedWorker<Task, Result>(options, (events) => new InlineHost(options, events));
}

class InlineHost<Task, Result> implements TaskHost<Task> {
  readonly #options: InlineWorkerOptions<Task, Result>;
  readonly #events: TaskHostEvents<Result>;
  readonly #life: HandlerLife | undefined;
  #handler: TaskHandler<Task, Result> | undefined;
  #isDead = false;
  /** Whether the handler is being created or handles a task. */
  #isBusy = true;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: InlineWorkerOptions<Task, Result>, events: TaskHostEvents<Result>) {
    this.#options = options;
    this.#events = events;
    this.#life = options.createLife?.();
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
    this.#life?.end();
    if (!this.#isBusy) await this.#discard();
  }

  async #create(): Promise<void> {
    try {
      const life = this.#life;
      this.#handler = await this.#options.createHandler((resource) => life?.guard(resource) ?? resource);
      await this.#becomeIdle(() => this.#events.onReady());
    } catch (cause) {
      await this.#becomeIdle(() => this.#report('startFailed', cause));
    }
  }

  async #run(task: Task): Promise<void> {
    const handler = this.#handler;
    if (handler === undefined) return;
    this.#life?.begin((cause) => this.#die(cause));
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

  /** The handler is gone in the middle of its task, which therefore never returns. */
  #die(cause: unknown): void {
    if (this.#isDead || !this.#isBusy) return;
    this.#isDead = true;
    this.#onIdle?.();
    this.#report('threadExited', cause);
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
