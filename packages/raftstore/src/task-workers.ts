import type { HandlerLife, TaskWorker } from '@flotilla/actor';
import type { Engine, RaftLogStore } from '@flotilla/engine';
import { assert, type Logger, type Runtime } from '@flotilla/runtime';
import type { LogGcTask } from './log-gc-worker/message.ts';
import { spawnLogGcWorker } from './log-gc-worker/spawn.ts';
import type { RegionTask, RegionTaskResult } from './region-worker/message.ts';
import { spawnRegionWorker } from './region-worker/spawn.ts';
import { RateLimiter } from './snapshot/rate-limiter.ts';
import type { SnapshotDirectory } from './snapshot/snapshot-directory.ts';
import type { SplitCheckResult, SplitCheckTask } from './split-check-worker/message.ts';
import { spawnSplitCheckWorker } from './split-check-worker/spawn.ts';

/** What the task workers of a store need. */
export interface TaskWorkersOptions {
  readonly mode: 'inline' | 'thread';
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly kvEngine: Engine;
  readonly logStore: RaftLogStore;
  readonly directory: SnapshotDirectory;
  /** The directory's path; `undefined` in memory. */
  readonly directoryPath: string | undefined;
  readonly capacity: number;
  /** A task that takes longer than this is begun again in a new worker, and given up after three attempts. */
  readonly deadlineMs: number;
  /** Bytes of snapshots generated in a second. */
  readonly maxSnapshotBytesPerSecond: number;
  /** Gives each handler of an inline worker a life of its own. */
  readonly createTaskLife?: ((worker: string) => HandlerLife) | undefined;
  readonly onRegionResult: (result: RegionTaskResult) => void;
  readonly onSplitCheckResult: (result: SplitCheckResult) => void;
}

/** The workers beside the actors of one store. */
export interface TaskWorkers {
  readonly region: TaskWorker<RegionTask>;
  readonly logGc: TaskWorker<LogGcTask>;
  readonly splitCheck: TaskWorker<SplitCheckTask>;
}

/** Spawns the workers; a task that fails for good comes back as a `failed` result, or is logged where nobody waits for it. */
export function spawnTaskWorkers(options: TaskWorkersOptions): TaskWorkers {
  const { mode, runtime, logger, kvEngine, logStore, directory, directoryPath, onRegionResult } = options;
  const { onSplitCheckResult } = options;
  const { capacity, deadlineMs, maxSnapshotBytesPerSecond } = options;
  const shared = { capacity, deadlineMs, timers: runtime.timers, logger };
  const kvPath = kvEngine.path;
  const raftPath = logStore.engine.path;
  if (mode === 'thread') {
    assert(
      kvPath !== undefined && raftPath !== undefined && directoryPath !== undefined,
      'workers on threads need databases and snapshots that have paths',
    );
  }
  const lifeOf = (worker: string) => {
    const { createTaskLife } = options;
    return createTaskLife === undefined ? undefined : () => createTaskLife(worker);
  };
  const onThreads = mode === 'thread' && kvPath !== undefined && directoryPath !== undefined;
  const region = spawnRegionWorker(
    onThreads
      ? { type: 'thread', kvPath, snapshotPath: directoryPath, maxSnapshotBytesPerSecond }
      : {
          type: 'inline',
          engine: kvEngine,
          directory,
          limiter: new RateLimiter(runtime, maxSnapshotBytesPerSecond),
          createLife: lifeOf('region'),
        },
    {
      ...shared,
      name: 'region',
      onResult: onRegionResult,
      onFailure: ({ task, code, cause }) => {
        const message = cause instanceof Error ? cause.message : String(cause ?? code);
        onRegionResult({
          type: 'failed',
          regionId: task.regionId,
          task: task.type,
          code: codeOf(cause) ?? code,
          message,
        });
      },
    },
  );
  const logGc = spawnLogGcWorker(
    mode === 'thread' && raftPath !== undefined
      ? { type: 'thread', raftPath }
      : { type: 'inline', logStore, createLife: lifeOf('raft-log-gc') },
    {
      ...shared,
      name: 'raft-log-gc',
      onResult: () => {},
      onFailure: ({ task, code, cause }) => {
        // What is left behind is collected with the next compaction, or after the next start.
        logger.warn('log entries could not be deleted', { regionId: task.regionId, code, error: cause });
      },
    },
  );
  const splitCheck = spawnSplitCheckWorker(
    onThreads ? { type: 'thread', kvPath } : { type: 'inline', engine: kvEngine, createLife: lifeOf('split-check') },
    {
      ...shared,
      name: 'split-check',
      onResult: onSplitCheckResult,
      onFailure: ({ task, code, cause }) => {
        const message = cause instanceof Error ? cause.message : String(cause ?? code);
        const { regionId, mode } = task;
        onSplitCheckResult({ type: 'failed', regionId, mode, code: codeOf(cause) ?? code, message });
      },
    },
  );
  return { region, logGc, splitCheck };
}

function codeOf(cause: unknown): string | undefined {
  const code = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
