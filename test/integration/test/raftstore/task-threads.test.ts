import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { type ClassicLevelEngine, openClassicLevelEngine } from '@flotilla/engine';
import { openRaftStore, type RaftStore } from '@flotilla/raftstore';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { errorOf, getCommand, headerOf, InProcessNetwork, putCommand } from '@flotilla/test-harness';
import { afterEach, describe, expect, it } from 'vitest';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const cleanUps: (() => Promise<void>)[] = [];

const threads: Worker[] = [];
process.on('worker', (thread) => threads.push(thread));

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface DiskStore {
  readonly store: RaftStore;
  readonly kvEngine: ClassicLevelEngine;
}

async function openOnDisk(scheduler: MockScheduler, network: InProcessNetwork): Promise<DiskStore> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-raftstore-'));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const kvEngine = await openClassicLevelEngine({ path: join(directory, 'kv') });
  cleanUps.push(() => kvEngine.close());
  const raftEngine = await openClassicLevelEngine({ path: join(directory, 'raft') });
  cleanUps.push(() => raftEngine.close());
  const box: { storeId: number } = { storeId: 0 };
  const store = await openRaftStore({
    runtime,
    config: {
      tickIntervalMs: 10,
      logGcIntervalMs: 50,
      logGcThreshold: 10,
      logGcMaxEntries: 20,
      regionHeartbeatIntervalMs: 50,
    },
    kvEngine,
    raftEngine,
    transport: network.transportOf(() => box.storeId),
    schedulerClient: scheduler.createClient(),
    storeAddress: '127.0.0.1:1',
    snapshotDirectory: join(directory, 'snapshots'),
    taskWorkers: 'thread',
  });
  box.storeId = store.storeId;
  cleanUps.push(() => store.close());
  network.attach(store);
  return { store, kvEngine };
}

async function until(predicate: () => boolean): Promise<void> {
  while (!predicate()) await runtime.timers.sleep(5);
}

describe('stores on LevelDB with their workers on threads', () => {
  it('collect their logs, and bring a new replica up by a snapshot', async () => {
    const scheduler = new MockScheduler(runtime);
    const network = new InProcessNetwork(runtime.timers, runtime.random);
    const first = await openOnDisk(scheduler, network);
    await until(() => first.store.metrics().leaders === 1);
    const region = () => scheduler.mustRegion(new Uint8Array(0));
    const put = async (key: string) => {
      const result = await first.store.execute(putCommand(headerOf(region()), key, `value of ${key}`));
      expect(errorOf(result)).toBeUndefined();
    };
    for (let number = 0; number < 200; number += 1) await put(`key ${number}`);
    await until(() => (first.store.status()[0]?.firstIndex ?? 0) > 150);

    // The threads of every worker end; the store finds others, and its work is done on them.
    const ended = threads.splice(0);
    expect(ended.length).toBeGreaterThanOrEqual(3);
    await Promise.all(ended.map((thread) => thread.terminate()));
    const second = await openOnDisk(scheduler, network);
    const peer = { id: scheduler.allocId(), storeId: second.store.storeId, role: 0 } as const;
    scheduler.addLearner(region().id, peer);
    scheduler.promoteLearner(region().id, peer);
    await until(() => second.store.metrics().snapshotsApplied === 1);
    await until(() => scheduler.isSettled(region().id));
    for (let number = 0; number < 200; number += 1) {
      const value = second.kvEngine.getSync(Buffer.from(`default_key ${number}`));
      expect(Buffer.from(value!).toString()).toBe(`value of key ${number}`);
    }
    await until(() => scheduler.isSettled(region().id));
    for (let number = 0; number < 50; number += 1) await put(`later ${number}`);
    await until(() => (first.store.status()[0]?.firstIndex ?? 0) > 200);
    expect((await first.store.checkConsistency(region().id)).type).toBe('hashed');
    const { response } = await first.store.execute(getCommand(headerOf(region()), 'key 7'));
    expect(Buffer.from(response.responses[0]!.get!.value).toString()).toBe('value of key 7');
  });
});
