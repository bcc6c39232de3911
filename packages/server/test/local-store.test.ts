import { flotillapb, kvrpcpb, tinykvpb } from '@flotilla/protocol';
import { expect, it } from 'vitest';
import { createLocalStore, testServerConfig } from '../src/index.ts';
import { FakeStore, testContext } from './fake-store.ts';

const { TinyKv } = tinykvpb;
const key = Buffer.from('a');

it('answers raw calls as the server does, without one', async () => {
  const store = new FakeStore();
  const local = createLocalStore(store, testServerConfig);
  expect(local.storeId).toBe(store.storeId);
  const context = testContext;
  await local.call(TinyKv.rawPut.path, kvrpcpb.RawPutRequest.create({ context, key, value: Buffer.from('1') }));
  const get = kvrpcpb.RawGetRequest.create({ context, key });
  expect(await local.call(TinyKv.rawGet.path, get)).toMatchObject({ notFound: false, value: Buffer.from('1') });
  const scan = kvrpcpb.RawScanRequest.create({ context, startKey: key, limit: 10 });
  expect(await local.call(TinyKv.rawScan.path, scan)).toMatchObject({ kvs: [{ key }] });
  await local.call(TinyKv.rawDelete.path, kvrpcpb.RawDeleteRequest.create({ context, key }));
  expect(await local.call(TinyKv.rawGet.path, get)).toMatchObject({ notFound: true });
  const writes = [{ op: flotillapb.RawWriteOp.Put, key, value: Buffer.from('2') }];
  const batch = flotillapb.RawBatchWriteRequest.create({ context, writes });
  await local.call(flotillapb.RawBatch.rawBatchWrite.path, batch);
  expect(await local.call(TinyKv.rawGet.path, get)).toMatchObject({ value: Buffer.from('2') });
});

it('refuses what is out of its limits, and leaves other methods to the server', async () => {
  const local = createLocalStore(new FakeStore(), testServerConfig);
  const get = kvrpcpb.RawGetRequest.create({ context: testContext });
  await expect(local.call(TinyKv.rawGet.path, get)).rejects.toMatchObject({ code: 'invalidArgument' });
  expect(local.call(flotillapb.Admin.storeStatus.path, {})).toBeUndefined();
});
