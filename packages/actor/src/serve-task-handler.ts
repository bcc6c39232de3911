import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assert, unreachable } from '@flotilla/runtime';
import { flattenError } from './plain-error.ts';
import { runTask } from './task-run.ts';
import type { TaskHandler } from './task-worker.ts';
import type { FromThread, ToThread } from './thread-message.ts';

/**
 * The whole of a thread's entry: creates the handler from the `workerData` the worker was spawned with, and serves its
 * tasks until told to close. An error while creating ends the thread, and the worker's owner hears it.
 *
 * @throws {InvariantError} when called outside a worker thread.
 */
export function serveTaskHandler<Task, Result, Data>(
  createHandler: (data: Data) => TaskHandler<Task, Result> | Promise<TaskHandler<Task, Result>>,
): void {
  assert(parentPort !== null, 'serveTaskHandler is called in a worker thread');
  // Not caught: a rejection ends the thread with its reason, which is how it reaches the owner.
  void new ThreadServer<Task, Result>(parentPort).serve(() => createHandler(workerData as Data));
}

class ThreadServer<Task, Result> {
  readonly #port: MessagePort;
  /** The task that runs, or the last that did; never rejects. */
  #running: Promise<void> = Promise.resolve();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  async serve(createHandler: () => TaskHandler<Task, Result> | Promise<TaskHandler<Task, Result>>): Promise<void> {
    const handler = await createHandler();
    this.#port.on('message', (message: ToThread<Task>) => this.#dispatch(handler, message));
    this.#say({ type: 'ready' });
  }

  #dispatch(handler: TaskHandler<Task, Result>, message: ToThread<Task>): void {
    switch (message.type) {
      case 'task':
        this.#running = this.#handle(handler, message.id, message.task);
        return;
      case 'close':
        void this.#close(handler);
        return;
      default:
        unreachable(message, 'message to a thread');
    }
  }

  async #handle(handler: TaskHandler<Task, Result>, id: number, task: Task): Promise<void> {
    try {
      await runTask(handler, task, (result, transfer) => this.#say({ type: 'result', id, result }, transfer));
    } catch (thrown) {
      this.#say({ type: 'failed', id, error: flattenError(thrown) });
      return;
    }
    this.#say({ type: 'done', id });
  }

  async #close(handler: TaskHandler<Task, Result>): Promise<void> {
    await this.#running;
    try {
      await handler.close?.();
    } catch (thrown) {
      this.#say({ type: 'closed', error: flattenError(thrown) });
      return;
    }
    this.#say({ type: 'closed', error: undefined });
  }

  #say(message: FromThread<Result>, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, [...transfer]);
  }
}
