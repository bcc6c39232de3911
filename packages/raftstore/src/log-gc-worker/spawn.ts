import {
  type HandlerLife,
  spawnInlineWorker,
  spawnThreadWorker,
  type TaskWorker,
  type TaskWorkerOptions,
} from '@flotilla/actor';
import { RaftLogStore } from '@flotilla/engine';
import type { LogGcThreadData } from './entry.ts';
import { LogGcHandler } from './handler.ts';
import type { LogGcResult, LogGcTask } from './message.ts';

/** Where the log-GC worker runs: on a thread that opens the same database, or in this one. */
export type LogGcWorkerPlace =
  | ({ readonly type: 'thread' } & LogGcThreadData)
  | {
      readonly type: 'inline';
      readonly logStore: RaftLogStore;
      readonly createLife?: (() => HandlerLife) | undefined;
    };

/** Spawns the worker that deletes compacted log entries. */
export function spawnLogGcWorker(
  place: LogGcWorkerPlace,
  options: TaskWorkerOptions<LogGcTask, LogGcResult>,
): TaskWorker<LogGcTask> {
  if (place.type === 'inline') {
    return spawnInlineWorker({
      ...options,
      createLife: place.createLife,
      createHandler: (guard) => new LogGcHandler(new RaftLogStore(guard(place.logStore.engine))),
    });
  }
  const entry = new URL('../../dist/log-gc-worker/entry.js', import.meta.url);
  return spawnThreadWorker({ ...options, entry, workerData: { raftPath: place.raftPath } });
}
