import type { Worker } from 'node:worker_threads';
import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { metapb, schedulerpb } from '@flotilla/protocol';
import {
  createMemoryLogger,
  createSystemRuntime,
  type MemoryLogger,
  type Runtime,
  silentLogger,
} from '@flotilla/runtime';
import { SchedulerCore, testSchedulerConfig } from '@flotilla/scheduler';
import {
  spawnSchedulerThread,
  ThreadSchedulerClient,
  type ThreadSchedulerClientOptions,
  testGrpcSchedulerClientConfig,
} from '@flotilla/scheduler-client';
import { schedulerClientCompliance } from '@flotilla/scheduler-client/compliance';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testServerConfig } from '../src/config.ts';
import { type GrpcServer, startGrpcServer } from '../src/grpc-server.ts';
import { createSchedulerService } from '../src/scheduler-service.ts';

const threads: Worker[] = [];
const note = (thread: Worker): void => {
  threads.push(thread);
};
let logger: MemoryLogger;
let runtime: Runtime;
let disk: MemoryDisk;
let core: SchedulerCore;
let server: GrpcServer;
let clients: { close(): unknown }[];

async function serve(listen = '127.0.0.1:0'): Promise<void> {
  core = await SchedulerCore.open({ engine: new MemoryEngine(disk), runtime, config: testSchedulerConfig });
  const nowMs = () => runtime.clock.monotonicMs();
  const context = { logger: silentLogger, maxRequestBytes: 65_536, nowMs, observe: () => {} };
  const service = createSchedulerService({ core, context, member: { name: 'one', clientUrls: ['http://h:1'] } });
  server = await startGrpcServer({ services: [service], listen, config: testServerConfig, runtime });
}

async function connect(options: Partial<ThreadSchedulerClientOptions> = {}): Promise<ThreadSchedulerClient> {
  const client = await ThreadSchedulerClient.connect({
    endpoints: [`127.0.0.1:${server.address.port}`],
    runtime,
    config: testGrpcSchedulerClientConfig,
    ...options,
  });
  clients.push(client);
  return client;
}

const store = metapb.Store.create({ id: 1, address: '127.0.0.1:20001' });
const region = metapb.Region.create({
  id: 100,
  regionEpoch: { version: 1, confVer: 1 },
  peers: [metapb.Peer.create({ id: 101, storeId: 1 })],
});
const heartbeat = schedulerpb.RegionHeartbeatRequest.create({ region, leader: region.peers[0] });

async function exchange(client: ThreadSchedulerClient): Promise<number> {
  const answer = firstValueFrom(client.regionHeartbeatResponses);
  client.regionHeartbeat(heartbeat);
  return (await answer).regionId;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await runtime.timers.sleep(5);
}

beforeEach(async () => {
  process.on('worker', note);
  logger = createMemoryLogger();
  runtime = createSystemRuntime({ logger, seed: 1 });
  disk = new MemoryDisk();
  clients = [];
  await serve();
});

afterEach(async () => {
  for (const client of clients) await client.close();
  process.off('worker', note);
  threads.length = 0;
  await server.close();
});

describe('ThreadSchedulerClient and the service as a SchedulerClient', () => {
  for (const { name, run } of schedulerClientCompliance) {
    test(name, async () => {
      await run({
        connect,
        order: async (regionId, ...steps) => expect(await core.addOperator(regionId, ...steps)).toBe('accepted'),
      });
    });
  }
});

describe('the thread is lost', () => {
  test.each([
    ['it is terminated', (thread: Worker) => void thread.terminate()],
    ['it throws', (thread: Worker) => thread.postMessage({ type: 'no such message' })],
  ])('%s: another one takes its place, and calls and heartbeats go on', async (_, lose) => {
    const client = await connect();
    await client.bootstrap(store, region);
    expect(await exchange(client)).toBe(100);
    const before = await client.allocId();
    lose(threads[0]!);
    await until(() => client.workerStats.replaced === 1);
    expect(await client.allocId()).toBeGreaterThan(before);
    expect(await exchange(client)).toBe(100);
    expect(threads).toHaveLength(2);
    expect(logger.messages('warn')).toContain('the scheduler thread failed and is being replaced');
  });

  test('it hangs: the call under way fails as unavailable, and the next thread answers', async () => {
    const hanging = new URL('hanging-scheduler-thread.mjs', import.meta.url);
    const client = await connect({
      threadConfig: { pingIntervalMs: 200, pingDeadlineMs: 4000 },
      spawn: (data, events) => spawnSchedulerThread(data, events, threads.length === 0 ? hanging : undefined),
    });
    // The first thread goes round in circles from its first heartbeat on.
    client.regionHeartbeat(heartbeat);
    await runtime.timers.sleep(20);
    await expect(client.allocId()).rejects.toMatchObject({ name: 'SchedulerError', code: 'unavailable' });
    expect(await client.isBootstrapped()).toBe(false);
    expect(threads).toHaveLength(2);
  });

  test('while the scheduler is gone as well: the next thread finds it again by itself', async () => {
    const client = await connect({
      config: { ...testGrpcSchedulerClientConfig, requestTimeoutMs: 1000, maxAttempts: 2 },
    });
    await client.bootstrap(store, region);
    const { port } = server.address;
    await server.close();
    await threads[0]!.terminate();
    await until(() => client.workerStats.replaced === 1);
    await expect(client.allocId()).rejects.toMatchObject({ code: 'unavailable' });
    disk.crash();
    await serve(`127.0.0.1:${port}`);
    await until(() => threads.length === 2);
    await client.allocId();
    expect(await exchange(client)).toBe(100);
    expect(threads).toHaveLength(2);
  });
});

test('connecting waits for a scheduler that starts later, and says so each time', async () => {
  const { port } = server.address;
  await server.close();
  let unreached = 0;
  const connecting = connect({
    config: { ...testGrpcSchedulerClientConfig, connectTimeoutMs: 50 },
    onUnreached: () => {
      unreached += 1;
    },
  });
  await until(() => unreached >= 2);
  disk.crash();
  await serve(`127.0.0.1:${port}`);
  expect((await connecting).clusterId).toBe(core.clusterId);
  expect(threads).toHaveLength(1);
});

test('connecting fails by name: no scheduler, no endpoint, no entry, an impatient caller', async () => {
  const endpoints = ['127.0.0.1:1'];
  const config = { ...testGrpcSchedulerClientConfig, connectTimeoutMs: 50 };
  await expect(connect({ endpoints, config })).rejects.toMatchObject({ name: 'SchedulerError', code: 'unavailable' });
  await expect(connect({ endpoints: ['nowhere'] })).rejects.toMatchObject({ code: 'invalidArgument' });
  const nowhere = new URL('no-such-entry.mjs', import.meta.url);
  await expect(connect({ spawn: (data, events) => spawnSchedulerThread(data, events, nowhere) })).rejects.toMatchObject(
    { code: 'unknown' },
  );
  const giveUp = new AbortController();
  const waiting = connect({ endpoints, signal: giveUp.signal });
  giveUp.abort(new Error('enough'));
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});
