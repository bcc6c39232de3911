import {
  type HandlerLife,
  spawnInlineWorker,
  spawnThreadWorker,
  type TaskWorker,
  type TaskWorkerOptions,
} from '@flotilla/actor';
import type { Engine } from '@flotilla/engine';
import type { SplitCheckThreadData } from './entry.ts';
import { SplitCheckHandler } from './handler.ts';
import type { SplitCheckResult, SplitCheckTask } from './message.ts';

/** Where the split-check worker runs: on a thread that opens the same database, or in this one. */
export type SplitCheckWorkerPlace =
  | ({ readonly type: 'thread' } & SplitCheckThreadData)
  | {
      readonly type: 'inline';
      readonly engine: Engine;
      readonly createLife?: (() => HandlerLife) | undefined;
    };

/** Spawns the worker that measures regions and finds where to split them. */
export function spawnSplitCheckWorker(
  place: SplitCheckWorkerPlace,
  options: TaskWorkerOptions<SplitCheckTask, SplitCheckResult>,
): TaskWorker<SplitCheckTask> {
  if (place.type === 'inline') {
    return spawnInlineWorker({
      ...options,
      createLife: place.createLife,
      createHandler: (guard) => new SplitCheckHandler(guard(place.engine)),
    });
  }
  const entry = new URL('../../dist/split-check-worker/entry.js', import.meta.url);
  return spawnThreadWorker({ ...options, entry, workerData: { kvPath: place.kvPath } });
}
