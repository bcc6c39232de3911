import { serveTaskHandler } from '@flotilla/actor';
import { openClassicLevelEngine } from '@flotilla/engine';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { NodeSnapshotDirectory } from '../snapshot/node-snapshot-directory.ts';
import { RateLimiter } from '../snapshot/rate-limiter.ts';
import { RegionTaskHandler } from './handler.ts';
import type { RegionTask, RegionTaskResult } from './message.ts';

/** What the thread is given. */
export interface RegionThreadData {
  readonly kvPath: string;
  readonly snapshotPath: string;
  readonly maxSnapshotBytesPerSecond: number;
}

serveTaskHandler<RegionTask, RegionTaskResult, RegionThreadData>(async (data) => {
  const { kvPath, snapshotPath, maxSnapshotBytesPerSecond } = data;
  const engine = await openClassicLevelEngine({ path: kvPath, createIfMissing: false });
  const limiter = new RateLimiter(createSystemRuntime({ logger: silentLogger }), maxSnapshotBytesPerSecond);
  return new RegionTaskHandler(engine, new NodeSnapshotDirectory(snapshotPath), limiter, () => engine.close());
});
