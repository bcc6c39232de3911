import { metapb, schedulerpb } from '@flotilla/protocol';
import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { resolveGrpcSchedulerClientConfig } from '../src/grpc-client-config.ts';
import { GrpcSchedulerClient } from '../src/grpc-scheduler-client.ts';
import { clusterId, connectTo, deadAddress, FakeScheduler, runtime } from './fake-scheduler.ts';

const { Scheduler, ErrorType } = schedulerpb;
const noKey = new Uint8Array(0);
const store = metapb.Store.create({ id: 1, address: 'a:1' });
const region = metapb.Region.create({ id: 100, peers: [metapb.Peer.create({ id: 101, storeId: 1 })] });

describe('connecting', () => {
  test('learns the cluster id from the first scheduler that answers', async () => {
    const { address } = await new FakeScheduler().start();
    expect((await connectTo([deadAddress, address])).clusterId).toBe(clusterId);
  });

  test('gives up after its time', async () => {
    await expect(connectTo([deadAddress], { connectTimeoutMs: 30 })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('stops when the caller gives up', async () => {
    const controller = new AbortController();
    const connecting = GrpcSchedulerClient.connect({ endpoints: [deadAddress], runtime, signal: controller.signal });
    controller.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'cancelled' });
  });

  test.each([[[]], [['nowhere']], [['host:0']], [['http://host:1']], [['host:99999']]])(
    'refuses %j',
    async (endpoints) => {
      await expect(connectTo(endpoints)).rejects.toMatchObject({ code: 'invalidArgument', message: /^endpoints/ });
    },
  );

  test('refuses a configuration with every reason', () => {
    const partial = { maxAttempts: 0, backoffInitialMs: 50, backoffMaxMs: 10 };
    expect(() => resolveGrpcSchedulerClientConfig(partial)).toThrow(/maxAttempts.*backoffMaxMs/);
  });
});

describe('a call', () => {
  test('that is not answered ends with its deadline, each attempt counted', async () => {
    let attempts = 0;
    const fake = await new FakeScheduler()
      .on(Scheduler.allocID, 'allocID', () => {
        attempts += 1;
        return undefined;
      })
      .start();
    const client = await connectTo([fake.address], { requestTimeoutMs: 40, maxAttempts: 3 });
    await expect(client.allocId()).rejects.toMatchObject({ code: 'unavailable' });
    expect(attempts).toBe(3);
  });

  test('ends with cancelled or closed while it is under way', async () => {
    const controller = new AbortController();
    const arrivals: (() => void)[] = [() => controller.abort(), () => void client.close()];
    const fake = await new FakeScheduler()
      .on(Scheduler.allocID, 'allocID', () => {
        arrivals.shift()?.();
        return undefined;
      })
      .start();
    const client = await connectTo([fake.address]);
    await expect(client.allocId(controller.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(client.allocId()).rejects.toMatchObject({ code: 'closed' });
  });

  test('goes on at the next scheduler when one is gone', async () => {
    const fake = await new FakeScheduler().on(Scheduler.allocID, 'allocID', () => ({ id: 5 })).start();
    const client = await connectTo([fake.address, deadAddress]);
    expect([await client.allocId(), await client.allocId()]).toEqual([5, 5]);
  });

  test.each([
    [ErrorType.NOT_BOOTSTRAPPED, 'notBootstrapped'],
    [ErrorType.ALREADY_BOOTSTRAPPED, 'alreadyBootstrapped'],
    [ErrorType.STORE_TOMBSTONE, 'storeTombstone'],
    [ErrorType.REGION_NOT_FOUND, 'regionNotFound'],
    [ErrorType.INCOMPATIBLE_VERSION, 'unknown'],
    [ErrorType.UNKNOWN, 'unknown'],
    [77 as schedulerpb.ErrorType, 'unknown'],
  ])('whose header tells of error %d rejects with %s, once', async (type, code) => {
    let attempts = 0;
    const fake = await new FakeScheduler()
      .on(Scheduler.putStore, 'putStore', () => {
        attempts += 1;
        return { header: { clusterId, error: { type, message: 'why' } } };
      })
      .start();
    const client = await connectTo([fake.address]);
    await expect(client.putStore(store)).rejects.toMatchObject({ code, message: 'PutStore: why' });
    expect(attempts).toBe(1);
  });

  test('a scan takes as many calls as there are pages', async () => {
    const all = Array.from({ length: 2500 }, (_, position) =>
      metapb.Region.create({ id: position + 1, startKey: pageKey(position), endKey: pageKey(position + 1) }),
    );
    const fake = await new FakeScheduler()
      .on(Scheduler.scanRegions, 'scanRegions', ({ startKey, limit }) => {
        const from = startKey.length === 0 ? 0 : Buffer.from(startKey).readUInt32BE();
        const regions = all.slice(from, from + limit);
        return { regions, leaders: regions.map(({ id }) => metapb.Peer.create({ id: id % 2, storeId: 1 })) };
      })
      .start();
    const client = await connectTo([fake.address]);
    const found = await client.scanRegions(noKey, noKey, Number.POSITIVE_INFINITY);
    expect(found.map((entry) => entry.region.id)).toEqual(all.map(({ id }) => id));
    expect([found[0]?.leader?.id, found[1]?.leader]).toEqual([1, undefined]);
    expect(await client.scanRegions(noKey, noKey, 1500)).toHaveLength(1500);
    expect(await client.scanRegions(noKey, pageKey(1024), 9000)).toHaveLength(1024);
  });

  function pageKey(position: number): Uint8Array {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(position);
    return bytes;
  }
});

describe('a bootstrap that takes effect without an answer', () => {
  test.each([
    ['ours', region.id, 'bootstrapped'],
    ['of another store that was quicker', 999, 'alreadyBootstrapped'],
  ] as const)('is told by the first region: %s', async (_, firstRegionId, outcome) => {
    let requests = 0;
    const fake = await new FakeScheduler()
      .on(Scheduler.bootstrap, 'bootstrap', () => {
        requests += 1;
        return undefined;
      })
      .on(Scheduler.isBootstrapped, 'isBootstrapped', () => ({ bootstrapped: requests > 0 }))
      .on(Scheduler.getRegionByID, 'getRegionByID', ({ regionId }) => ({
        region: regionId === firstRegionId ? region : undefined,
      }))
      .start();
    const client = await connectTo([fake.address], { requestTimeoutMs: 60 });
    expect(await client.bootstrap(store, region)).toBe(outcome);
    expect(requests).toBe(1);
  });

  test('is asked for again when it did not take effect', async () => {
    let requests = 0;
    const fake = await new FakeScheduler()
      .on(Scheduler.bootstrap, 'bootstrap', () => {
        requests += 1;
        return requests === 1 ? undefined : {};
      })
      .on(Scheduler.isBootstrapped, 'isBootstrapped', () => ({ bootstrapped: false }))
      .start();
    const client = await connectTo([fake.address], { requestTimeoutMs: 60 });
    expect(await client.bootstrap(store, region)).toBe('bootstrapped');
    expect(requests).toBe(2);
  });
});

describe('region heartbeats', () => {
  const heartbeat = (id: number, version: number) =>
    schedulerpb.RegionHeartbeatRequest.create({ region: { ...region, id, regionEpoch: { version, confVer: 1 } } });

  test('go on over a new stream when the scheduler ends one, each with the cluster id', async () => {
    const seen: (readonly [number | undefined, number | undefined])[] = [];
    const fake = await new FakeScheduler()
      .onHeartbeats((call) => {
        call.on('data', (request: schedulerpb.RegionHeartbeatRequest) => {
          seen.push([request.header?.clusterId, request.region?.id]);
          call.write(schedulerpb.RegionHeartbeatResponse.create({ regionId: request.region?.id ?? 0 }));
          call.end();
        });
      })
      .start();
    const client = await connectTo([fake.address]);
    const answered = new Set<number>();
    client.regionHeartbeatResponses.subscribe(({ regionId }) => answered.add(regionId));
    for (const id of [1, 2, 3]) {
      // As a store does: one that goes down with its stream is said again.
      while (!answered.has(id)) {
        client.regionHeartbeat(heartbeat(id, 1));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect(new Set(seen.map(([cluster]) => cluster))).toEqual(new Set([clusterId]));
    expect([...answered]).toEqual([1, 2, 3]);
  });

  test('that were refused are counted and not handed on', async () => {
    const error = { type: ErrorType.UNKNOWN, message: 'staleEpoch' };
    const fake = await new FakeScheduler()
      .onHeartbeats((call) => {
        call.on('data', ({ region: reported }: schedulerpb.RegionHeartbeatRequest) => {
          const header = { clusterId, error: reported?.id === 1 ? error : undefined };
          call.write(schedulerpb.RegionHeartbeatResponse.create({ header, regionId: reported?.id ?? 0 }));
        });
      })
      .start();
    const client = await connectTo([fake.address]);
    const answer = firstValueFrom(client.regionHeartbeatResponses);
    client.regionHeartbeat(heartbeat(1, 1));
    client.regionHeartbeat(heartbeat(2, 1));
    expect((await answer).regionId).toBe(2);
    expect(client.heartbeatCounts).toEqual({ sent: 2, dropped: 0, refused: 1 });
  });
});
