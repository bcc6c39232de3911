import { errorpb, kvrpcpb, metapb, tinykvpb } from '@flotilla/protocol';
import { createSystemRuntime, SimulatedWorld, silentLogger } from '@flotilla/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { createRawClient, type LocalStore, type RawClient, testRawClientConfig } from '../src/index.ts';
import { FakeCluster } from './fake-cluster.ts';
import { bytes } from './test-client.ts';

const { TinyKv } = tinykvpb;

async function clientWith(localStore: LocalStore, runtime = createSystemRuntime({ logger: silentLogger, seed: 1 })) {
  const cluster = await FakeCluster.start();
  const schedulerClient = cluster.schedulerClient();
  const client: RawClient = createRawClient({ schedulerClient, runtime, config: testRawClientConfig, localStore });
  onTestFinished(async () => {
    await client.close();
    cluster.stop();
  });
  return { cluster, client };
}

it('calls the store of its own process directly, and others over the network', async () => {
  const calls: string[] = [];
  const localStore: LocalStore = {
    storeId: 1,
    call(path) {
      calls.push(path);
      if (path === TinyKv.rawPut.path) return Promise.resolve(kvrpcpb.RawPutResponse.create({}));
      return path === TinyKv.rawGet.path
        ? Promise.resolve(kvrpcpb.RawGetResponse.create({ value: bytes('local') }))
        : undefined;
    },
  };
  const { cluster, client } = await clientWith(localStore);
  await client.put(bytes('a'), bytes('1'));
  expect(Buffer.from((await client.get(bytes('a'))) ?? []).toString()).toBe('local');
  expect(calls).toEqual([TinyKv.rawPut.path, TinyKv.rawGet.path]);
  expect(cluster.arrivals).toEqual([]);
  // What the local store does not offer goes through its server.
  await client.delete(bytes('a'));
  expect(cluster.arrivals).toEqual(['1:delete']);
});

it('follows the leader away from its own process', async () => {
  const notLeader = errorpb.Error.create({
    notLeader: { regionId: 1, leader: metapb.Peer.create({ id: 12, storeId: 2 }) },
  });
  const localStore: LocalStore = {
    storeId: 1,
    call: () => Promise.resolve(kvrpcpb.RawPutResponse.create({ regionError: notLeader })),
  };
  const { cluster, client } = await clientWith(localStore);
  cluster.moveLeader(1, 2);
  await client.put(bytes('a'), bytes('1'));
  expect(cluster.arrivals).toEqual(['2:put']);
});

it('refuses what the local store refuses, and does not know the outcome of a write that it fails', async () => {
  let error = Object.assign(new Error('key: too long'), { code: 'invalidArgument' });
  const { client } = await clientWith({ storeId: 1, call: () => Promise.reject(error) });
  await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: 'invalidArgument' });
  error = Object.assign(new Error('lost'), { code: 'internal' });
  await expect(client.put(bytes('a'), bytes('1'))).rejects.toMatchObject({ code: 'outcomeUnknown' });
});

it('gives a local write up at the deadline without knowing its outcome', async () => {
  const world = new SimulatedWorld(1);
  const { client } = await clientWith({ storeId: 1, call: () => new Promise(() => {}) }, world.createRuntime('client'));
  const put = client.put(bytes('a'), bytes('1'), { timeoutMs: 200 }).catch((error: unknown) => error);
  await world.advance(1_000);
  expect(await put).toMatchObject({ code: 'outcomeUnknown' });
});
