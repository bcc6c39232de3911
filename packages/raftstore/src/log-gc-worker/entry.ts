import { serveTaskHandler } from '@flotilla/actor';
import { openClassicLevelEngine, RaftLogStore } from '@flotilla/engine';
import { LogGcHandler } from './handler.ts';
import type { LogGcResult, LogGcTask } from './message.ts';

/** What the thread is given. */
export interface LogGcThreadData {
  readonly raftPath: string;
}

serveTaskHandler<LogGcTask, LogGcResult, LogGcThreadData>(async ({ raftPath }) => {
  const engine = await openClassicLevelEngine({ path: raftPath, createIfMissing: false });
  return new LogGcHandler(new RaftLogStore(engine), () => engine.close());
});
