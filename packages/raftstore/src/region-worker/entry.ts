import { serveTaskHandler } from '@flotilla/actor';
import { openClassicLevelEngine } from '@flotilla/engine';
import { NodeSnapshotDirectory } from '../snapshot/node-snapshot-directory.ts';
import { RegionTaskHandler } from './handler.ts';
import type { RegionTask, RegionTaskResult } from './message.ts';

/** What the thread is given. */
export interface RegionThreadData {
  readonly kvPath: string;
  readonly snapshotPath: string;
}

serveTaskHandler<RegionTask, RegionTaskResult, RegionThreadData>(async ({ kvPath, snapshotPath }) => {
  const engine = await openClassicLevelEngine({ path: kvPath, createIfMissing: false });
  return new RegionTaskHandler(engine, new NodeSnapshotDirectory(snapshotPath), () => engine.close());
});
