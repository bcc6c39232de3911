import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { createMemoryLogger, createSystemRuntime, type MemoryLogger, type Runtime } from '@flotilla/runtime';
import { SchedulerCore, testSchedulerConfig } from '@flotilla/scheduler';
import {
  createSchedulerService,
  defaultServerConfig,
  formatListenAddress,
  type GrpcServer,
  startGrpcServer,
} from '@flotilla/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testStorageNodeConfig } from '../src/config.ts';
import { startStorageNode } from '../src/start-storage-node.ts';
import type { StorageNode } from '../src/storage-node.ts';

const threads: Worker[] = [];
const note = (thread: Worker): void => {
  threads.push(thread);
};
let directory: string;
let logger: MemoryLogger;
let runtime: Runtime;
let core: SchedulerCore;
let server: GrpcServer;
let node: StorageNode;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  logger = createMemoryLogger();
  runtime = createSystemRuntime({ logger });
  core = await SchedulerCore.open({ engine: new MemoryEngine(new MemoryDisk()), runtime, config: testSchedulerConfig });
  const nowMs = () => runtime.clock.monotonicMs();
  const context = { logger, maxRequestBytes: defaultServerConfig.maxRequestBytes, nowMs, observe: () => {} };
  const service = createSchedulerService({ core, context, member: { name: 'one', clientUrls: ['http://h:1'] } });
  const listen = '127.0.0.1:0';
  server = await startGrpcServer({ services: [service], listen, config: defaultServerConfig, runtime });
  process.on('worker', note);
  const scheduler = formatListenAddress(server.address);
  const config = {
    ...testStorageNodeConfig,
    dataDir: join(directory, 'one'),
    scheduler,
    regionHeartbeatIntervalMs: 50,
    storeHeartbeatIntervalMs: 50,
  };
  node = await startStorageNode(config, runtime, { version: '1.2.3' });
});

afterEach(async () => {
  await node.close();
  process.off('worker', note);
  threads.length = 0;
  await server.close();
  await core.close();
  await rm(directory, { recursive: true, force: true });
});

interface StatusPage {
  readonly metrics: { readonly workers: Readonly<Record<string, { done: number; replaced: number }>> };
}

async function page(path: string): Promise<string> {
  return (await fetch(`http://${node.addresses.http}${path}`)).text();
}

async function schedulerWorker() {
  return (JSON.parse(await page('/status')) as StatusPage).metrics.workers['scheduler']!;
}

test.each([
  ['is terminated', (thread: Worker) => void thread.terminate()],
  ['throws', (thread: Worker) => thread.postMessage({ type: 'no such message' })],
])('a scheduler thread that %s is replaced, and heartbeats go on', async (_, lose) => {
  const regions = vi.spyOn(core, 'regionHeartbeat');
  const stores = vi.spyOn(core, 'storeHeartbeat');
  const client = node.createClient();
  const seen = async () => {
    regions.mockClear();
    stores.mockClear();
    // The second of each was sent after this began.
    await vi.waitUntil(() => regions.mock.calls.length >= 2 && stores.mock.calls.length >= 2, { timeout: 20_000 });
  };
  await seen();
  await client.put(Buffer.from('before'), Buffer.from('1'));
  // The first thread that a node starts.
  lose(threads[0]!);
  await vi.waitUntil(async () => (await schedulerWorker()).replaced === 1, { timeout: 20_000 });
  await client.put(Buffer.from('after'), Buffer.from('2'));
  await seen();
  const { done, replaced } = await schedulerWorker();
  expect(replaced).toBe(1);
  expect(done).toBeGreaterThan(0);
  expect(await page('/metrics')).toMatch(/flotilla_store_workers_replaced_total\{worker="scheduler"\} 1/);
  expect(logger.messages('warn')).toContain('the scheduler thread failed and is being replaced');
  expect(logger.messages('error')).toEqual([]);
  await client.close();
});
