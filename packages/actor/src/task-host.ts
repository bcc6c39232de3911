import type { TaskFailureCode } from './task-worker.ts';

/**
 * One life of a task handler, inline or on a thread. It runs one task at a time; once it has failed it is never used
 * again, and a supervised worker starts another.
 */
export interface TaskHost<Task> {
  /**
   * Begins a task; the host is ready and idle.
   *
   * @throws {DOMException} when the task is not plain data; the host stays usable.
   */
  run(task: Task): void;
  /** Closes the handler and ends the host; rejects when the handler's own `close` did. */
  close(): Promise<void>;
  /** Ends the host by force. Resolves when it no longer holds anything. */
  kill(): Promise<void>;
}

/** What a host reports; never from within the call that caused it. */
export interface TaskHostEvents<Result> {
  /** The handler exists: tasks may be run. */
  onReady(): void;
  /** The running task has emitted a result. */
  onResult(result: Result): void;
  /** The running task is complete. */
  onDone(): void;
  /** The host has failed, with its running task if there is one. Reported once, and last. */
  onFailed(code: TaskFailureCode, cause: unknown): void;
}

/** Starts a host that reports to `events`. */
export type StartTaskHost<Task, Result> = (events: TaskHostEvents<Result>) => TaskHost<Task>;
