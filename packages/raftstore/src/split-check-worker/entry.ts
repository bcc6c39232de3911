import { serveTaskHandler } from '@flotilla/actor';
import { openClassicLevelEngine } from '@flotilla/engine';
import { SplitCheckHandler } from './handler.ts';
import type { SplitCheckResult, SplitCheckTask } from './message.ts';

/** What the thread is given. */
export interface SplitCheckThreadData {
  readonly kvPath: string;
}

serveTaskHandler<SplitCheckTask, SplitCheckResult, SplitCheckThreadData>(async ({ kvPath }) => {
  const engine = await openClassicLevelEngine({ path: kvPath, createIfMissing: false });
  return new SplitCheckHandler(engine, () => engine.close());
});
