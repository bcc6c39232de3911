import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { TaskFailure, TaskWorker } from '@flotilla/actor';
import {
  type ClassicLevelEngine,
  dataKey,
  openClassicLevelEngine,
  putApplyState,
  putRegionState,
} from '@flotilla/engine';
import { metapb, raft_serverpb } from '@flotilla/protocol';
import { createMemoryLogger, createSystemRuntime, type MemoryLogger } from '@flotilla/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spawnLogGcWorker } from '../src/log-gc-worker/spawn.ts';
import { spawnRegionWorker } from '../src/region-worker/spawn.ts';
import { spawnSplitCheckWorker } from '../src/split-check-worker/spawn.ts';

const threads: Worker[] = [];
const note = (thread: Worker): void => {
  threads.push(thread);
};
let directory: string;
let engine: ClassicLevelEngine;
let logger: MemoryLogger;
const workers: TaskWorker<never>[] = [];
const regionId = 7;
const region = metapb.Region.create({ id: regionId, regionEpoch: { confVer: 1, version: 1 } });

beforeEach(async () => {
  process.on('worker', note);
  logger = createMemoryLogger();
  directory = await mkdtemp(join(tmpdir(), 'flotilla-worker-threads-'));
  engine = await openClassicLevelEngine({ path: join(directory, 'db') });
  const batch = engine.batch();
  for (let number = 0; number < 20_000; number += 1) {
    batch.put(dataKey('default', Buffer.from(`key ${number}`)), Buffer.alloc(16));
  }
  putRegionState(batch, regionId, { state: raft_serverpb.PeerState.Normal, region });
  putApplyState(batch, regionId, raft_serverpb.RaftApplyState.create({ appliedIndex: 6, appliedTerm: 5 }));
  await engine.write(batch, { sync: false });
});

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
  process.off('worker', note);
  threads.length = 0;
  await engine.close();
  await rm(directory, { recursive: true, force: true });
});

/** A worker's options, and what comes of its tasks, in order. */
function observed<Task, Result>(name: string, deadlineMs = 30_000) {
  const runtime = createSystemRuntime({ logger, seed: 1 });
  const results: Result[] = [];
  const failures: TaskFailure<Task>[] = [];
  const options = {
    name,
    capacity: 8,
    deadlineMs,
    restartBackoffMs: 1,
    timers: runtime.timers,
    logger,
    onResult: (result: Result) => void results.push(result),
    onFailure: (failure: TaskFailure<Task>) => void failures.push(failure),
  };
  const until = async (predicate: () => boolean): Promise<void> => {
    while (!predicate()) await runtime.timers.sleep(2);
  };
  return { options, results, failures, until };
}

function kept<Task>(worker: TaskWorker<Task>): TaskWorker<Task> {
  workers.push(worker as unknown as TaskWorker<never>);
  return worker;
}

const path = (): string => join(directory, 'db');

function regionWorker(maxSnapshotBytesPerSecond: number, deadlineMs?: number) {
  type Task = Parameters<ReturnType<typeof spawnRegionWorker>['schedule']>[0];
  type Result = { readonly type: string };
  const seen = observed<Task, Result>('region', deadlineMs);
  const snapshotPath = join(directory, 'snapshots');
  const place = { type: 'thread', kvPath: path(), snapshotPath, maxSnapshotBytesPerSecond } as const;
  return { ...seen, worker: kept(spawnRegionWorker(place, seen.options)) };
}

const megabytes = 1e9;
const destroy = { type: 'destroy', regionId: 9, startKey: Buffer.from('x'), endKey: Buffer.from('y') } as const;

describe('the region worker on its thread', () => {
  it('does a task again whose thread was ended, and delivers its result once', async () => {
    const { worker, results, failures, until } = regionWorker(500_000);
    worker.schedule({ type: 'generate', regionId });
    worker.schedule(destroy);
    // At that rate the task takes a second.
    await until(() => threads.length === 1);
    await new Promise((resolve) => threads[0]!.once('online', resolve));
    await createSystemRuntime({ logger }).timers.sleep(300);
    expect(results).toEqual([]);
    await threads[0]!.terminate();
    await until(() => results.length === 2);
    expect(results.map(({ type }) => type)).toEqual(['generated', 'destroyed']);
    expect(failures).toEqual([]);
    expect(threads.length).toBe(2);
    expect(logger.messages('warn')).toContain('a task worker failed and is being replaced');
  });

  it('fails by name a task whose handler throws each time, and goes on with the next', async () => {
    const { worker, results, failures, until } = regionWorker(megabytes);
    worker.schedule({ type: 'generate', regionId: 99 });
    worker.schedule(destroy);
    await until(() => results.length === 1);
    expect(results[0]).toMatchObject({ type: 'destroyed', regionId: 9 });
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: 'handlerThrew', attempts: 3, cause: { code: 'regionNotReady' } });
    expect(threads.length).toBe(4);
  });

  it('fails by name a task that hangs past its deadline, and goes on with the next', async () => {
    const { worker, results, failures, until } = regionWorker(1, 200);
    worker.schedule({ type: 'generate', regionId });
    worker.schedule(destroy);
    await until(() => results.length === 1);
    expect(results[0]).toMatchObject({ type: 'destroyed' });
    expect(failures[0]).toMatchObject({ code: 'deadlineExceeded', attempts: 3 });
  });
});

describe('the log-GC worker on its thread', () => {
  it('outlives an ended thread, a task that hangs and a thread that cannot start', async () => {
    const seen = observed<{ endIndex: number }, { endIndex: number }>('raft-log-gc', 300);
    const worker = kept(spawnLogGcWorker({ type: 'thread', raftPath: path() }, seen.options as never));
    // So many entries take hours to delete.
    worker.schedule({ regionId, startIndex: 1, endIndex: 2 ** 40 });
    worker.schedule({ regionId, startIndex: 1, endIndex: 10 });
    await seen.until(() => seen.results.length === 1);
    expect(seen.failures[0]).toMatchObject({ code: 'deadlineExceeded', attempts: 3 });
    await threads.at(-1)!.terminate();
    worker.schedule({ regionId, startIndex: 1, endIndex: 20 });
    await seen.until(() => seen.results.length === 2);
    expect(seen.results.map(({ endIndex }) => endIndex)).toEqual([10, 20]);

    const lost = observed<unknown, unknown>('raft-log-gc');
    const raftPath = join(directory, 'nowhere');
    const broken = kept(spawnLogGcWorker({ type: 'thread', raftPath }, lost.options as never));
    broken.schedule({ regionId, startIndex: 1, endIndex: 10 });
    await lost.until(() => lost.failures.length === 1);
    expect(lost.failures[0]).toMatchObject({ code: 'startFailed' });
  });
});

describe('the split-check worker on its thread', () => {
  it('outlives an ended thread and a task that hangs', async () => {
    const { startKey, endKey, regionEpoch } = region;
    const task = {
      regionId,
      epoch: regionEpoch!,
      startKey,
      endKey,
      mode: 'middle',
      maxBytes: 10,
      splitBytes: 5,
      maxSplitKeys: 1,
    } as const;
    const hanging = observed<unknown, unknown>('split-check', 1);
    const slow = kept(spawnSplitCheckWorker({ type: 'thread', kvPath: path() }, hanging.options as never));
    slow.schedule(task);
    await hanging.until(() => hanging.failures.length === 1);
    expect(hanging.failures[0]).toMatchObject({ code: 'deadlineExceeded', attempts: 3 });

    const seen = observed<unknown, { readonly type: string; readonly keys: number }>('split-check');
    const worker = kept(spawnSplitCheckWorker({ type: 'thread', kvPath: path() }, seen.options as never));
    worker.schedule(task);
    await seen.until(() => seen.results.length === 1);
    await threads.at(-1)!.terminate();
    worker.schedule(task);
    await seen.until(() => seen.results.length === 2);
    for (const result of seen.results) expect(result).toMatchObject({ type: 'checked' });
  });
});
