import type { Logger, Timers } from '@flotilla/runtime';
import type { SendOutcome } from './mailbox.ts';

/**
 * Work that runs beside the actors: on a thread of its own, or inline from the same handler.
 *
 * Results come back, in the order the tasks complete, through the `onResult` the worker was spawned with. Each accepted
 * task ends exactly once: it completes, and then its results are delivered; or it fails, and `onFailure` names why.
 */
export interface TaskWorker<Task> {
  readonly name: string;
  /** Tasks accepted that have neither completed nor failed. */
  readonly pending: number;
  /** What has become of tasks and handlers so far. */
  readonly stats: TaskWorkerStats;
  /** Queues a task, or says why it cannot. Never calls `onResult` or `onFailure` before it returns. */
  schedule(task: Task): SendOutcome;
  /**
   * Refuses further tasks, lets the one that runs end, fails the others as `workerClosed`, closes the handler and ends
   * the thread. Resolves when all that is done; a second call waits for the same.
   */
  close(): Promise<void>;
}

/** Counts of one worker since it was spawned. */
export interface TaskWorkerStats {
  /** Tasks that have completed. */
  readonly done: number;
  /** Tasks that were given up, those of a worker that was closed included. */
  readonly failed: number;
  /** Attempts that failed and were followed by another. */
  readonly retried: number;
  /** Handlers that failed and were replaced. */
  readonly replaced: number;
  /** Tasks accepted that have neither completed nor failed. */
  readonly pending: number;
  /** Whether one of those is being handled now. */
  readonly isRunning: boolean;
}

/**
 * Hands a result to the worker's owner; only while the task is being handled. `transfer` names buffers to move instead
 * of copying them; each must be the result's own (see `toTransferable`).
 */
export type EmitResult<Result> = (result: Result, transfer?: readonly ArrayBuffer[]) => void;

/**
 * Handles one task at a time on behalf of a worker; tasks and results are plain data (what structured clone keeps).
 *
 * Invariant: a task may be handled again after an attempt that threw, was cut off or lost its thread, so it must be
 * idempotent. Only the results of the attempt that completes are delivered.
 */
export interface TaskHandler<Task, Result> {
  handle(task: Task, emit: EmitResult<Result>): void | Promise<void>;
  /** Frees what the handler holds: open databases, files. Not called on a thread that is ended by force. */
  close?(): void | Promise<void>;
}

/** Why a task failed, or an attempt at one did. */
export type TaskFailureCode =
  /** The handler threw or rejected. */
  | 'handlerThrew'
  /** The thread ended by itself or was ended from outside. */
  | 'threadExited'
  /** The attempt took longer than the task deadline. */
  | 'deadlineExceeded'
  /** The handler could not be created, or not in time. */
  | 'startFailed'
  /** The task holds something that structured clone does not keep; it is not retried. */
  | 'notPlainData'
  /** The worker was closed before the task ran. */
  | 'workerClosed';

/** A task that will not be attempted again. */
export interface TaskFailure<Task> {
  readonly task: Task;
  /** Why the last attempt failed. */
  readonly code: TaskFailureCode;
  /** How often it was attempted; 0 when it never left the queue. */
  readonly attempts: number;
  /** The error behind the code; undefined when there is none. */
  readonly cause: unknown;
}

/** What every task worker needs, whether it runs inline or on a thread. */
export interface TaskWorkerOptions<Task, Result> {
  readonly name: string;
  /** The most tasks pending, the one that runs included; at least 1. */
  readonly capacity: number;
  readonly timers: Timers;
  /** Hears each time the handler is replaced. */
  readonly logger: Logger;
  /** Takes each result of a task that has completed. Must not throw. */
  readonly onResult: (result: Result, task: Task) => void;
  /** Takes each task that has failed. Must not throw. */
  readonly onFailure: (failure: TaskFailure<Task>) => void;
  /** How often a task is attempted before it fails; at least 1, by default 3. */
  readonly maxAttempts?: number;
  /** The longest an attempt may take before its handler is replaced; by default without limit. */
  readonly deadlineMs?: number;
  /** The wait before the first replacement; it doubles with each further failure in a row; by default 50. */
  readonly restartBackoffMs?: number;
  /** The longest wait before a replacement; by default 5,000. */
  readonly maxRestartBackoffMs?: number;
  /** The longest that creating the handler may take; by default 30,000. */
  readonly startDeadlineMs?: number;
  /** The longest that closing the handler may take before its thread is ended by force; by default 10,000. */
  readonly closeDeadlineMs?: number;
}
