import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { flotillapb, metapb, schedulerpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { type SchedulerConfig, SchedulerCore, testSchedulerConfig } from '@flotilla/scheduler';
import { GrpcSchedulerClient, OperatorClient, testGrpcSchedulerClientConfig } from '@flotilla/scheduler-client';
import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testServerConfig } from '../src/config.ts';
import { type GrpcServer, startGrpcServer } from '../src/grpc-server.ts';
import { createOperatorService } from '../src/operator-service.ts';
import { createSchedulerService } from '../src/scheduler-service.ts';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const { OrderType } = flotillapb;
const { RUNNING, SUCCESS, CANCEL } = schedulerpb.OperatorStatus;

const peer = (id: number, storeId: number): metapb.Peer => metapb.Peer.create({ id, storeId });
const storeOf = (id: number) => metapb.Store.create({ id, address: `127.0.0.1:${20_000 + id}` });
const one = metapb.Region.create({ id: 100, regionEpoch: { version: 1, confVer: 1 }, peers: [peer(101, 1)] });
const three: metapb.Region = {
  ...one,
  regionEpoch: { version: 1, confVer: 5 },
  peers: [peer(101, 1), peer(102, 2), peer(103, 3)],
};

/** No store falls silent, however slow the machine. */
const patient: SchedulerConfig = {
  ...testSchedulerConfig,
  storeDisconnectedAfterMs: 600_000,
  storeUnhealthyAfterMs: 600_000,
  storeDownAfterMs: 600_000,
  leaderOperatorTimeoutMs: 600_000,
  peerOperatorTimeoutMs: 600_000,
};

let core: SchedulerCore;
let server: GrpcServer;
let operators: OperatorClient;
let leader: GrpcSchedulerClient;

beforeEach(async () => {
  core = await SchedulerCore.open({ engine: new MemoryEngine(new MemoryDisk()), runtime, config: patient });
  const nowMs = () => runtime.clock.monotonicMs();
  const context = { logger: silentLogger, maxRequestBytes: 65_536, nowMs, observe: () => {} };
  const member = { name: 'one', clientUrls: ['http://h:1'] };
  const services = [createSchedulerService({ core, context, member }), createOperatorService({ core, context })];
  server = await startGrpcServer({ services, listen: '127.0.0.1:0', config: testServerConfig, runtime });
  const options = { endpoints: [`127.0.0.1:${server.address.port}`], runtime, config: testGrpcSchedulerClientConfig };
  operators = await OperatorClient.connect(options);
  leader = await GrpcSchedulerClient.connect(options);
  await core.bootstrap(storeOf(1), one);
  for (const id of [2, 3, 4]) await core.putStore(storeOf(id));
  for (const storeId of [1, 2, 3, 4]) core.storeHeartbeat(schedulerpb.StoreStats.create({ storeId, capacity: 100 }));
});

afterEach(async () => {
  await operators.close();
  await leader.close();
  await server.close();
});

async function beat(fields: Partial<schedulerpb.RegionHeartbeatRequest> = {}) {
  const answer = firstValueFrom(leader.regionHeartbeatResponses);
  leader.regionHeartbeat(
    schedulerpb.RegionHeartbeatRequest.create({ region: three, leader: three.peers[0], ...fields }),
  );
  return answer;
}

test('an order reaches the leader’s store at once, and is done when a heartbeat shows it', async () => {
  await beat();
  const pushed = firstValueFrom(leader.regionHeartbeatResponses);
  const ordered = await operators.order(100, { type: OrderType.TransferLeader, storeId: 2 });
  expect(ordered).toMatchObject({ regionId: 100, kind: 'admin', status: RUNNING });
  expect(ordered.steps).toEqual([{ description: 'hand leadership to peer 102 on store 2', isFinished: false }]);
  expect((await pushed).transferLeader).toEqual({ peer: peer(102, 2) });
  await beat({ leader: three.peers[1]! });
  expect(await operators.find(ordered.id)).toMatchObject({ status: SUCCESS, steps: [{ isFinished: true }] });
  expect(await operators.find(424_242)).toBeUndefined();
});

test('orders of every kind become steps', async () => {
  await beat();
  const orders: [Parameters<OperatorClient['order']>[1], string][] = [
    [{ type: OrderType.AddPeer, storeId: 4 }, 'add the learner peer'],
    [{ type: OrderType.RemovePeer, fromStoreId: 3 }, 'remove peer 103 on store 3'],
    [{ type: OrderType.RemovePeer, peerId: 102 }, 'remove peer 102 on store 2'],
    [{ type: OrderType.MovePeer, fromStoreId: 1, storeId: 4 }, 'remove peer 101 on store 1'],
    [{ type: OrderType.SplitRegion, keys: [Buffer.from('m')] }, 'split at m'],
    [{ type: OrderType.SplitRegion }, 'split in the middle'],
  ];
  for (const [order, description] of orders) {
    const { id, description: told } = await operators.order(100, order);
    expect(told).toContain(description);
    expect(await operators.cancel(id)).toMatchObject({ status: CANCEL, reason: 'cancelled' });
  }
  expect((await operators.listOperators()).map(({ status }) => status)).toEqual(orders.map(() => CANCEL));
});

test('what is impossible, unknown or malformed is told apart', async () => {
  await beat();
  const order = (fields: Parameters<OperatorClient['order']>[1], regionId = 100) => operators.order(regionId, fields);
  await expect(order({ type: OrderType.AddPeer, storeId: 2 })).rejects.toMatchObject({
    code: 'impossible',
    message: expect.stringContaining('store 2 already has peer 102 of region 100'),
  });
  await expect(order({ type: OrderType.AddPeer, storeId: 4 }, 7)).rejects.toMatchObject({ code: 'regionNotFound' });
  await expect(order({ type: OrderType.AddPeer })).rejects.toMatchObject({ code: 'invalidArgument' });
  await expect(order({ type: OrderType.NoOrder })).rejects.toMatchObject({ code: 'invalidArgument' });
  await expect(operators.getRegion(7)).rejects.toMatchObject({ code: 'regionNotFound' });
});

test('regions and stores are shown with what their reports told', async () => {
  const flow = { bytesWritten: 1, keysWritten: 2, bytesRead: 3, keysRead: 4, intervalMs: 5 };
  const downPeers = [{ peer: peer(103, 3), downSeconds: 60 }];
  await beat({ flow, downPeers, pendingPeers: [peer(102, 2)], approximateKeys: 7, approximateSize: 8, term: 9 });
  const shown = {
    region: three,
    leader: peer(101, 1),
    flow,
    downPeers,
    approximateKeys: 7,
    approximateSize: 8,
    term: 9,
  };
  expect(await operators.getRegion(100)).toMatchObject({ ...shown, pendingPeers: [peer(102, 2)], operator: undefined });
  expect(await operators.getRegionAt(Buffer.from('k'))).toMatchObject(shown);
  expect(await operators.listRegions()).toMatchObject([shown]);
  const stores = await operators.listStores();
  expect(stores.map(({ store, liveness, stats }) => [store?.id, liveness, stats?.capacity])).toEqual(
    [1, 2, 3, 4].map((id) => [id, 'up', 100]),
  );
});

test('thousands of regions are listed page by page', async () => {
  const key = (position: number) => Buffer.from(String(position).padStart(5, '0'));
  for (let position = 0; position < 3000; position += 1) {
    core.regionHeartbeat(
      schedulerpb.RegionHeartbeatRequest.create({
        region: metapb.Region.create({
          id: 1000 + position,
          startKey: position === 0 ? new Uint8Array(0) : key(position),
          endKey: position === 2999 ? new Uint8Array(0) : key(position + 1),
          regionEpoch: { version: 3000, confVer: 1 },
          peers: [peer(9000 + position, 1)],
        }),
        leader: peer(9000 + position, 1),
      }),
    );
  }
  const listed = await operators.listRegions();
  expect(listed.map(({ region }) => region?.id)).toEqual(
    Array.from({ length: 3000 }, (_, position) => 1000 + position),
  );
});
