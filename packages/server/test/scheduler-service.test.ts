import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { type MethodDefinition, metapb, schedulerpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { SchedulerCore, testSchedulerConfig } from '@flotilla/scheduler';
import {
  GrpcSchedulerClient,
  type GrpcSchedulerClientConfig,
  testGrpcSchedulerClientConfig,
} from '@flotilla/scheduler-client';
import { schedulerClientCompliance } from '@flotilla/scheduler-client/compliance';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testServerConfig } from '../src/config.ts';
import { type GrpcServer, startGrpcServer } from '../src/grpc-server.ts';
import { createSchedulerService } from '../src/scheduler-service.ts';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const { Scheduler } = schedulerpb;

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

function address(): string {
  return `127.0.0.1:${server.address.port}`;
}

async function connect(config: Partial<GrpcSchedulerClientConfig> = {}): Promise<GrpcSchedulerClient> {
  const client = await GrpcSchedulerClient.connect({
    endpoints: [address()],
    runtime,
    config: { ...testGrpcSchedulerClientConfig, ...config },
  });
  clients.push(client);
  return client;
}

/** Sends a message to a method as any client might. */
function call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
  const client = new Client(address(), credentials.createInsecure());
  clients.push(client);
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), (error, response) => {
      if (error === null && response !== undefined) resolve(response);
      else reject(error);
    });
  });
}

const store = metapb.Store.create({ id: 1, address: '127.0.0.1:20001' });
const region = metapb.Region.create({
  id: 100,
  regionEpoch: { version: 1, confVer: 1 },
  peers: [metapb.Peer.create({ id: 101, storeId: 1 })],
});
const heartbeat = schedulerpb.RegionHeartbeatRequest.create({ region, leader: region.peers[0] });

beforeEach(async () => {
  disk = new MemoryDisk();
  clients = [];
  await serve();
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await server.close();
});

describe('GrpcSchedulerClient and the service as a SchedulerClient', () => {
  for (const { name, run } of schedulerClientCompliance) {
    test(name, async () => {
      await run({
        connect,
        order: async (regionId, ...steps) => expect(await core.addOperator(regionId, ...steps)).toBe('accepted'),
      });
    });
  }
});

describe('the scheduler goes and comes back', () => {
  async function restart(): Promise<void> {
    const { port } = server.address;
    expect(await server.close()).toBe('ended');
    disk.crash();
    await serve(`127.0.0.1:${port}`);
  }

  test('calls and heartbeats go on, ids do not repeat', async () => {
    const client = await connect();
    await client.bootstrap(store, region);
    client.regionHeartbeat(heartbeat);
    await firstValueFrom(client.regionHeartbeatResponses);
    const before = await client.allocId();
    await restart();
    expect(await client.allocId()).toBeGreaterThan(before);
    const answer = firstValueFrom(client.regionHeartbeatResponses);
    client.regionHeartbeat(heartbeat);
    expect((await answer).regionId).toBe(100);
    expect((await client.getRegion(new Uint8Array(0)))?.leader).toEqual(region.peers[0]);
  });

  test('while it is gone, calls end with unavailable and what waits is one heartbeat a region, bounded', async () => {
    const client = await connect({ requestTimeoutMs: 100, maxAttempts: 2 });
    const { port } = server.address;
    await server.close();
    await expect(client.allocId()).rejects.toMatchObject({ code: 'unavailable' });
    for (let id = 1; id <= 30; id += 1) {
      client.regionHeartbeat({ ...heartbeat, region: { ...region, id } });
      client.regionHeartbeat({ ...heartbeat, region: { ...region, id } });
    }
    expect(client.heartbeatCounts.dropped).toBeGreaterThan(0);
    disk.crash();
    await serve(`127.0.0.1:${port}`);
  });
});

describe('a bootstrap whose answer is lost', () => {
  test.each([
    ['ours', 100, 'bootstrapped'],
    ['another store’s', 900, 'alreadyBootstrapped'],
  ] as const)('is looked up: %s', async (_, winnerRegionId, outcome) => {
    const client = await connect();
    const { port } = server.address;
    const peers = [metapb.Peer.create({ id: 5, storeId: 1 })];
    await core.bootstrap(store, { ...region, id: winnerRegionId, peers });
    await server.close();
    const result = client.bootstrap(store, { ...region, peers });
    disk.crash();
    await serve(`127.0.0.1:${port}`);
    expect(await result).toBe(outcome);
  });
});

describe('what any client may send', () => {
  test('a header for another cluster is refused, and changes nothing', async () => {
    const request = schedulerpb.BootstrapRequest.create({ header: { clusterId: 42 }, store, region });
    const { header } = await call(Scheduler.bootstrap, request);
    expect(header?.clusterId).toBe(core.clusterId);
    expect(header?.error?.message).toMatch(/cluster 42/);
    expect(core.isBootstrapped).toBe(false);
  });

  test('a client of another cluster is told so', async () => {
    const client = await connect();
    const { port } = server.address;
    await server.close();
    disk = new MemoryDisk();
    await serve(`127.0.0.1:${port}`);
    expect(core.clusterId).not.toBe(client.clusterId);
    await expect(client.allocId()).rejects.toMatchObject({ code: 'clusterIdMismatch' });
  });

  test('a bootstrap without a region, as TinyKV’s stores send it, is completed by the first heartbeat', async () => {
    const header = { clusterId: core.clusterId };
    await call(Scheduler.bootstrap, schedulerpb.BootstrapRequest.create({ header, store }));
    expect(core.isBootstrapped).toBe(true);
    const client = await connect();
    expect(await client.getRegion(new Uint8Array(0))).toBeUndefined();
    client.regionHeartbeat(heartbeat);
    await firstValueFrom(client.regionHeartbeatResponses);
    expect((await client.getRegion(new Uint8Array(0)))?.region.id).toBe(100);
  });

  test('missing messages are invalid arguments', async () => {
    const header = { clusterId: core.clusterId };
    await expect(call(Scheduler.bootstrap, schedulerpb.BootstrapRequest.create({ header }))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'store: missing',
    });
  });

  test('what this scheduler does not do is told in the header', async () => {
    const header = { clusterId: core.clusterId };
    const answer = await call(
      Scheduler.scatterRegion,
      schedulerpb.ScatterRegionRequest.create({ header, regionId: 1 }),
    );
    expect(answer.header?.error).toMatchObject({ type: schedulerpb.ErrorType.UNKNOWN, message: expect.any(String) });
  });

  test('members are told to whoever asks', async () => {
    const { header, leader } = await call(Scheduler.getMembers, schedulerpb.GetMembersRequest.create());
    expect(header?.clusterId).toBe(core.clusterId);
    expect(leader).toMatchObject({ name: 'one', clientUrls: ['http://h:1'] });
  });

  test('settings, the safe point, operators and neighbours', async () => {
    const header = { clusterId: core.clusterId };
    await core.bootstrap(store, region);
    const cluster = { id: core.clusterId, maxPeerCount: 5 };
    await call(Scheduler.putClusterConfig, schedulerpb.PutClusterConfigRequest.create({ header, cluster }));
    const config = await call(Scheduler.getClusterConfig, schedulerpb.GetClusterConfigRequest.create({ header }));
    expect(config.cluster).toEqual(cluster);
    const raise = schedulerpb.UpdateGCSafePointRequest.create({ header, safePoint: 9 });
    expect((await call(Scheduler.updateGCSafePoint, raise)).newSafePoint).toBe(9);
    await core.addOperator(100, { type: 'addPeer', peer: metapb.Peer.create({ id: 7, storeId: 2 }) });
    const asked = schedulerpb.GetOperatorRequest.create({ header, regionId: 100 });
    const operator = await call(Scheduler.getOperator, asked);
    expect(Buffer.from(operator.desc).toString()).toBe('add peer 7 on store 2');
    expect(operator.status).toBe(schedulerpb.OperatorStatus.RUNNING);
    const previous = schedulerpb.GetRegionRequest.create({ header });
    expect((await call(Scheduler.getPrevRegion, previous)).region).toBeUndefined();
  });
});

test('timestamps rise along the stream, and a count that cannot be ends it', async () => {
  const client = new Client(address(), credentials.createInsecure());
  clients.push(client);
  const { path, requestSerialize, responseDeserialize } = Scheduler.tso;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const header = { clusterId: core.clusterId };
  const received: schedulerpb.TsoResponse[] = [];
  const failure = new Promise<unknown>((resolve) => stream.once('error', resolve));
  for (const count of [1, 10, 1, 0]) stream.write({ header, count });
  stream.on('data', (response: schedulerpb.TsoResponse) => received.push(response));
  expect(await failure).toMatchObject({ code: status.INVALID_ARGUMENT });
  const order = received.map(({ timestamp }) => (timestamp?.physical ?? 0) * 2 ** 10 + (timestamp?.logical ?? 0));
  expect(received.map((response) => response.count)).toEqual([1, 10, 1]);
  expect(order).toEqual([...order].sort((left, right) => left - right));
});
