import { flotillapb, metapb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { createAdminService, testServerConfig } from '../src/index.ts';
import { FakeStore, testPeer } from './fake-store.ts';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const { Matched, Unknown } = flotillapb.RegionHashState;

function regionHash(store: FakeStore, request: Partial<flotillapb.RegionHashRequest>) {
  const describe = () => metapb.Store.create({ id: 1 });
  const config = testServerConfig;
  const { implementation } = createAdminService({ store, describe, startTimeMs: 5, version: '1', config, runtime });
  const message = flotillapb.RegionHashRequest.create(request);
  return new Promise<flotillapb.RegionHashResponse>((resolve, reject) => {
    const call = { request: flotillapb.RegionHashRequest.encode(message), metadata: { get: () => [] } };
    const handler = implementation['regionHash'] as unknown as (
      call: object,
      callback: (error: unknown, response: flotillapb.RegionHashResponse) => void,
    ) => void;
    handler(call, (error, response) => (error === null ? resolve(response) : reject(error as Error)));
  });
}

it('tells the hash that a store has of a region, after a new check when asked', async () => {
  const store = new FakeStore();
  expect(await regionHash(store, { regionId: 1 })).toEqual({
    regionError: undefined,
    hashes: [flotillapb.RegionHash.create({ regionId: 1, peer: testPeer, state: Unknown })],
  });
  store.hash = flotillapb.RegionHash.create({ regionId: 1, peer: testPeer, index: 9, state: Matched });
  expect((await regionHash(store, { regionId: 1, compute: true })).hashes).toEqual([store.hash]);
});

it('tells why there is no hash', async () => {
  const store = new FakeStore();
  const unknown = await regionHash(store, { regionId: 7 });
  expect(unknown).toMatchObject({ hashes: [], regionError: { regionNotFound: { regionId: 7 } } });
  store.refuseWith = { notLeader: { regionId: 1, leader: undefined } };
  const refused = await regionHash(store, { regionId: 1, compute: true });
  expect(refused).toMatchObject({ hashes: [], regionError: { notLeader: { regionId: 1 } } });
});
