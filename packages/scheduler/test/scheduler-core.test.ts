import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import { metapb, schedulerpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { beforeEach, describe, expect, test } from 'vitest';
import { encodeNumber, layoutKeys } from '../src/data-layout.ts';
import { SchedulerCore } from '../src/scheduler-core.ts';
import { key, noKey, openCore, peer, region, report, store } from './fixtures.ts';

let world: SimulatedWorld;
let runtime: ReturnType<SimulatedWorld['createRuntime']>;
let disk: MemoryDisk;

beforeEach(() => {
  world = new SimulatedWorld(7);
  runtime = world.createRuntime('scheduler');
  disk = new MemoryDisk();
});

/** Ends as a power cut does, and starts again. */
async function restart(): Promise<SchedulerCore> {
  disk.crash();
  return (await openCore(runtime, disk)).core;
}

async function bootstrapped(): Promise<SchedulerCore> {
  const { core } = await openCore(runtime, disk);
  expect(await core.bootstrap(store(1), region())).toBe('bootstrapped');
  return core;
}

function regionIds(core: SchedulerCore): number[] {
  return core.scanRegions(noKey, noKey, 100).map((view) => view.region.id);
}

describe('what a power cut leaves', () => {
  test('the cluster id', async () => {
    const { core } = await openCore(runtime, disk);
    expect((await restart()).clusterId).toBe(core.clusterId);
    expect(Number.isSafeInteger(core.clusterId)).toBe(true);
  });

  test('the bootstrap, with store and region', async () => {
    await bootstrapped();
    const core = await restart();
    expect(core.isBootstrapped).toBe(true);
    expect(core.getStore(1)?.store).toEqual(store(1));
    expect(core.getRegion(key('k'))?.region).toEqual(region());
    expect(await core.bootstrap(store(2), region({ id: 200 }))).toBe('alreadyBootstrapped');
  });

  test('stores, settings and the safe point', async () => {
    const core = await bootstrapped();
    await core.putStore(store(2));
    await core.putClusterConfig({ id: core.clusterId, maxPeerCount: 5 });
    expect(await core.updateGcSafePoint(40)).toBe(40);
    expect(await core.updateGcSafePoint(30)).toBe(40);
    const again = await restart();
    expect(again.getAllStores().map((view) => view.store.id)).toEqual([1, 2]);
    expect(again.getClusterConfig().maxPeerCount).toBe(5);
    expect(again.getGcSafePoint()).toBe(40);
  });

  test('regions as last written, without leaders until they report', async () => {
    const core = await bootstrapped();
    core.regionHeartbeat(report(region({ end: 'm', version: 2 })));
    core.regionHeartbeat(report(region({ id: 200, start: 'm', version: 2 })));
    await world.advance(1);
    const again = await restart();
    expect(regionIds(again)).toEqual([100, 200]);
    expect(again.getRegionById(200)?.leader).toBeUndefined();
    again.regionHeartbeat(report(region({ id: 200, start: 'm', version: 2 })));
    expect(again.getRegionById(200)?.leader).toEqual(peer(201, 1));
  });

  test('a region that a merge swallowed is gone', async () => {
    const core = await bootstrapped();
    core.regionHeartbeat(report(region({ end: 'm', version: 2 })));
    core.regionHeartbeat(report(region({ id: 200, start: 'm', version: 2 })));
    core.regionHeartbeat(report(region({ version: 3 })));
    await core.close();
    expect(regionIds(await restart())).toEqual([100]);
  });
});

describe('a disk that fails', () => {
  test('a bootstrap that may have been written is not followed by another', async () => {
    const { core } = await openCore(runtime, disk);
    disk.faults = { sync: () => 'engineIo' };
    await expect(core.bootstrap(store(1), region())).rejects.toMatchObject({ code: 'unknown' });
    disk.faults = {};
    await expect(core.bootstrap(store(2), region({ id: 200, peers: [peer(201, 2)] }))).rejects.toMatchObject({
      code: 'unknown',
    });
    expect(core.isBootstrapped).toBe(false);
  });

  test('region reports are still taken in, and closing does not hang', async () => {
    const core = await bootstrapped();
    disk.faults = { sync: () => 'engineIo' };
    core.regionHeartbeat(report(region({ end: 'm', version: 2 })));
    await world.advance(1);
    core.regionHeartbeat(report(region({ id: 200, start: 'm', version: 2 })));
    await core.close();
    expect(regionIds(core)).toEqual([100, 200]);
    expect(core.status().isHealthy).toBe(false);
  });
});

describe('databases that are refused, unchanged', () => {
  test('one of another version', async () => {
    const { engine } = await openCore(runtime, disk);
    const batch = engine.batch();
    batch.put(layoutKeys.version, encodeNumber(9));
    await engine.write(batch, { sync: true });
    await expect(SchedulerCore.open({ engine, runtime })).rejects.toMatchObject({ code: 'formatVersionMismatch' });
  });

  test('one of something else', async () => {
    const engine = new MemoryEngine(disk);
    const batch = engine.batch();
    batch.put(key('stranger'), key('1'));
    await engine.write(batch, { sync: true });
    await expect(SchedulerCore.open({ engine, runtime })).rejects.toMatchObject({ code: 'notASchedulerDatabase' });
    expect(await engine.scan({ start: noKey })).toHaveLength(1);
  });

  test.each(['clusterId', 'nextId', 'timestampMark', 'gcSafePoint', 'cluster'] as const)(
    'a damaged %s',
    async (name) => {
      const { engine } = await openCore(runtime, disk);
      const batch = engine.batch();
      batch.put(layoutKeys[name], Buffer.from([0xff]));
      await engine.write(batch, { sync: true });
      await expect(SchedulerCore.open({ engine, runtime })).rejects.toMatchObject({ code: 'schedulerDataCorrupted' });
    },
  );
});

describe('bad input', () => {
  const bootstraps: [string, metapb.Store, metapb.Region][] = [
    ['a store without an id', store(0), region()],
    ['a region without an id', store(1), region({ id: 0 })],
    ['a part of the key space', store(1), region({ end: 'm' })],
    ['a peer on another store', store(1), region({ peers: [peer(5, 2)] })],
    ['two peers', store(1), region({ peers: [peer(5, 1), peer(6, 2)] })],
  ];
  test.each(bootstraps)('a bootstrap with %s', async (_, first, whole) => {
    const { core } = await openCore(runtime, disk);
    await expect(core.bootstrap(first, whole)).rejects.toMatchObject({ code: 'invalidArgument' });
    expect(await core.bootstrap(store(1), region())).toBe('bootstrapped');
  });

  test('an address that another store has', async () => {
    const core = await bootstrapped();
    const rival = { ...store(2), address: store(1).address };
    await expect(core.putStore(rival)).rejects.toMatchObject({ code: 'invalidArgument' });
    await core.putStore({ ...store(1), state: metapb.StoreState.Tombstone });
    await core.putStore(rival);
    expect(core.getStore(2)?.store.address).toBe(store(1).address);
  });

  const reports: [string, schedulerpb.RegionHeartbeatRequest][] = [
    ['no region', schedulerpb.RegionHeartbeatRequest.create({ leader: peer(1, 1) })],
    ['no epoch', report({ ...region(), regionEpoch: undefined })],
    ['no leader', { ...report(region()), leader: undefined }],
    ['a stranger as leader', { ...report(region()), leader: peer(99, 9) }],
    ['an empty range', report(region({ start: 'm', end: 'm', version: 2 }))],
  ];
  test.each(reports)('a report with %s', async (_, heartbeat) => {
    const core = await bootstrapped();
    expect(core.regionHeartbeat(heartbeat)).toMatchObject({ type: 'refused', reason: 'malformed' });
    expect(regionIds(core)).toEqual([100]);
    expect(core.status().heartbeatsRefused).toBe(1);
  });
});

describe('stale reports', () => {
  test.each([
    ['the region as it was before it split', region()],
    ['the region before its membership changed', region({ end: 'm', version: 2, confVer: 1 })],
    ['another range at the same version', region({ end: 'p', version: 2, confVer: 3 })],
    ['a swallowed region', region({ id: 300, start: 'c', end: 'd', version: 2 })],
  ])('%s', async (_, stale) => {
    const core = await bootstrapped();
    const newest = region({ end: 'm', version: 2, confVer: 2, peers: [peer(101, 1), peer(102, 2)] });
    core.regionHeartbeat(report(newest));
    expect(core.regionHeartbeat(report(stale))).toMatchObject({ type: 'refused', reason: 'staleEpoch' });
    expect(core.getRegion(key('c'))?.region).toEqual(newest);
  });
});

test('a store grows silent by degrees', async () => {
  const core = await bootstrapped();
  const liveness = () => core.getStore(1)?.liveness;
  expect(liveness()).toBe('silent');
  core.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 1, capacity: 9 }));
  expect(liveness()).toBe('up');
  expect(core.getStore(1)?.stats?.capacity).toBe(9);
  await world.advance(201);
  expect(liveness()).toBe('disconnected');
  await world.advance(800);
  expect(liveness()).toBe('unhealthy');
  await world.advance(2000);
  expect(liveness()).toBe('down');
});

test('an operator is reported while it runs and after it ended', async () => {
  const core = await bootstrapped();
  const operator = { type: 'addPeer', peer: peer(102, 2) } as const;
  expect(core.getOperator(100)).toBeUndefined();
  await expect(core.addOperator(5, operator)).rejects.toThrow(/unknown/);
  expect(await core.addOperator(100, operator)).toBe('accepted');
  expect(core.getOperator(100)?.status).toBe(schedulerpb.OperatorStatus.RUNNING);
  core.regionHeartbeat(report(region({ confVer: 2, peers: [peer(101, 1), peer(102, 2)] })));
  expect(core.getOperator(100)?.status).toBe(schedulerpb.OperatorStatus.SUCCESS);
  for (let extra = 0; extra < 64; extra += 1) {
    await core.addOperator(100, { type: 'removePeer', peer: peer(102, 2) });
  }
  expect(await core.addOperator(100, operator)).toBe('full');
  expect(core.cancelOperators(100)).toBe(64);
  expect(core.getOperator(100)?.status).toBe(schedulerpb.OperatorStatus.CANCEL);
});
