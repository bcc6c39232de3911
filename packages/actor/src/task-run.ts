import { assert } from '@flotilla/runtime';
import type { EmitResult, TaskHandler } from './task-worker.ts';

/** Lets `handler` handle one task; refuses results that it emits after the task has ended. */
export async function runTask<Task, Result>(
  handler: TaskHandler<Task, Result>,
  task: Task,
  emit: EmitResult<Result>,
): Promise<void> {
  let isHandling = true;
  try {
    await handler.handle(task, (result, transfer) => {
      assert(isHandling, 'a result was emitted after its task had ended');
      emit(result, transfer);
    });
  } finally {
    isHandling = false;
  }
}
