import type { Worker } from 'node:worker_threads';
import { connectEmbedded, DistributedLock } from '@flotilla/coordination';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { ProcessCluster, waitUntil } from '@flotilla/test-harness';
import { expect, onTestFinished, test } from 'vitest';
import { programs } from '../src/programs.ts';

const ttlMs = 4_000;
const runtime = createSystemRuntime({ logger: silentLogger });

test('a lock of a cluster is held by a process whose main thread stands still, and handed on when it is released', async () => {
  const cluster = await ProcessCluster.start({ programs, nodes: 1 });
  onTestFinished(() => cluster.close());
  const backend = await connectEmbedded({ schedulers: [cluster.schedulerAddress], runtime, timeoutMs: 30_000 });
  onTestFinished(() => backend.close());
  await using locks = new DistributedLock({ backend, runtime, defaultTtlMs: ttlMs });
  const ready: Promise<unknown>[] = [];
  const note = (thread: Worker): void => {
    // The first thing that the thread which renews says is that it has its own connection.
    ready.push(new Promise((resolve) => thread.once('message', resolve)));
  };
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  const lock = await locks.acquire('k');
  await waitUntil('the thread is there', () => ready.length > 0);
  await ready[0];
  const untilMs = performance.now() + 3 * ttlMs;
  while (performance.now() < untilMs);
  expect(lock.isHeld).toBe(true);
  await lock.guardedPut('r', 'still mine');
  expect(await locks.tryAcquire('k')).toBeUndefined();
  const next = locks.acquire('k');
  await lock.release();
  expect((await next).fencingToken).toBeGreaterThan(lock.fencingToken);
}, 120_000);
