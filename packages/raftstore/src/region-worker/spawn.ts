import {
  type HandlerLife,
  spawnInlineWorker,
  spawnThreadWorker,
  type TaskWorker,
  type TaskWorkerOptions,
} from '@flotilla/actor';
import type { Engine } from '@flotilla/engine';
import type { RateLimiter } from '../snapshot/rate-limiter.ts';
import type { SnapshotDirectory } from '../snapshot/snapshot-directory.ts';
import type { RegionThreadData } from './entry.ts';
import { RegionTaskHandler } from './handler.ts';
import type { RegionTask, RegionTaskResult } from './message.ts';

/** Where the region worker runs: on a thread that opens the same database and directory, or in this one. */
export type RegionWorkerPlace =
  | ({ readonly type: 'thread' } & RegionThreadData)
  | {
      readonly type: 'inline';
      readonly engine: Engine;
      readonly directory: SnapshotDirectory;
      readonly limiter: RateLimiter;
      readonly createLife?: (() => HandlerLife) | undefined;
    };

/** Spawns the worker that makes, applies and removes regions' data. */
export function spawnRegionWorker(
  place: RegionWorkerPlace,
  options: TaskWorkerOptions<RegionTask, RegionTaskResult>,
): TaskWorker<RegionTask> {
  if (place.type === 'inline') {
    return spawnInlineWorker({
      ...options,
      createLife: place.createLife,
      createHandler: (guard) => new RegionTaskHandler(guard(place.engine), guard(place.directory), place.limiter),
    });
  }
  const { kvPath, snapshotPath, maxSnapshotBytesPerSecond } = place;
  const entry = new URL('../../dist/region-worker/entry.js', import.meta.url);
  return spawnThreadWorker({ ...options, entry, workerData: { kvPath, snapshotPath, maxSnapshotBytesPerSecond } });
}
