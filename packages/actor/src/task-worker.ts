import type { SendOutcome } from './mailbox.ts';

/**
 * Work that runs beside the actors: on a thread of its own, or inline from the same handler.
 * Results come back, in completion order, through the `onResult` the worker was spawned with.
 */
export interface TaskWorker<Task> {
  readonly name: string;
  /** Tasks accepted and not yet answered. */
  readonly pending: number;
  /** Queues a task, or says why it cannot. */
  schedule(task: Task): SendOutcome;
  /** Refuses further tasks, lets the one that runs end, drops the others, and ends the thread. */
  close(): Promise<void>;
}

/** Handles one task at a time on behalf of a worker; what it emits is plain data. */
export interface TaskHandler<Task, Result> {
  handle(task: Task, emit: (result: Result) => void): void | Promise<void>;
  /** Frees what the handler holds: open databases, files. */
  close?(): void | Promise<void>;
}
