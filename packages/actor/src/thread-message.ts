import type { PlainError } from './plain-error.ts';

/** What a worker's owner says to its thread. */
export type ToThread<Task> =
  | { readonly type: 'task'; readonly id: number; readonly task: Task }
  /** Close the handler, after the task that runs. */
  | { readonly type: 'close' };

/** What a thread says to the worker's owner; `id` is the one of the task that is being handled. */
export type FromThread<Result> =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly result: Result }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly error: PlainError }
  /** The handler is closed; `error` is what its `close` threw. */
  | { readonly type: 'closed'; readonly error: PlainError | undefined };
