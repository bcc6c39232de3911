import { kvrpcpb, tinykvpb } from '@flotilla/protocol';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { testServerConfig } from '../src/index.ts';
import { testContext } from './fake-store.ts';
import { startTestServer } from './test-server.ts';

const { TinyKv } = tinykvpb;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const get = (key: Uint8Array, cf = '') => kvrpcpb.RawGetRequest.create({ context: testContext, key, cf });
const put = (key: Uint8Array, value: Uint8Array, cf = '') =>
  kvrpcpb.RawPutRequest.create({ context: testContext, key, value, cf });
const scan = (startKey: Uint8Array, limit: number, cf = '') =>
  kvrpcpb.RawScanRequest.create({ context: testContext, startKey, limit, cf });

describe('raw calls', () => {
  it('puts, gets, deletes and tells an empty value from no value', async () => {
    const { call } = await startTestServer();
    expect(await call(TinyKv.rawGet, get(bytes('a')))).toMatchObject({ notFound: true, regionError: undefined });
    await call(TinyKv.rawPut, put(bytes('a'), bytes('')));
    expect(await call(TinyKv.rawGet, get(bytes('a')))).toMatchObject({
      notFound: false,
      value: new Uint8Array(),
    });
    await call(TinyKv.rawPut, put(bytes('a'), bytes('1')));
    expect(await call(TinyKv.rawGet, get(bytes('a')))).toMatchObject({ notFound: false, value: bytes('1') });
    await call(TinyKv.rawDelete, kvrpcpb.RawDeleteRequest.create({ context: testContext, key: bytes('a') }));
    expect(await call(TinyKv.rawGet, get(bytes('a')))).toMatchObject({ notFound: true });
  });

  it('keeps column families apart and takes no name for default', async () => {
    const { call } = await startTestServer();
    await call(TinyKv.rawPut, put(bytes('a'), bytes('1'), 'lock'));
    expect((await call(TinyKv.rawGet, get(bytes('a')))).notFound).toBe(true);
    await call(TinyKv.rawPut, put(bytes('a'), bytes('2')));
    expect((await call(TinyKv.rawGet, get(bytes('a'), 'default'))).value).toEqual(bytes('2'));
    await expect(call(TinyKv.rawGet, get(bytes('a'), 'defualt'))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('cf:'),
    });
  });

  it('scans in key order from the start key, and closes every snapshot', async () => {
    const { call, store } = await startTestServer();
    for (const key of ['b', 'd', 'a', 'c']) await call(TinyKv.rawPut, put(bytes(key), bytes(key.toUpperCase())));
    const { kvs } = await call(TinyKv.rawScan, scan(bytes('b'), 2));
    expect(kvs.map(({ key, value }) => `${key}=${value}`)).toEqual(['b=B', 'c=C']);
    expect(store.openSnapshots).toBe(0);
  });

  it('ends a scan when its bytes reach the limit', async () => {
    const { call } = await startTestServer({ maxScanBytes: 10 });
    for (const key of ['a', 'b', 'c']) await call(TinyKv.rawPut, put(bytes(key), bytes('12345')));
    expect((await call(TinyKv.rawScan, scan(bytes(''), 100))).kvs).toHaveLength(2);
  });

  it('answers what the region refuses in the response', async () => {
    const { call, store } = await startTestServer();
    store.refuseWith = { outcomeUnknown: { reason: 'the store closed' } };
    const put1 = await call(TinyKv.rawPut, put(bytes('a'), bytes('1')));
    expect(put1.regionError?.outcomeUnknown).toEqual({ reason: 'the store closed' });
    store.refuseWith = { notLeader: { regionId: 1, leader: undefined } };
    const scan1 = await call(TinyKv.rawScan, scan(bytes('a'), 1));
    expect(scan1.regionError?.notLeader).toMatchObject({ regionId: 1 });
    const get1 = await call(TinyKv.rawGet, get(bytes('a')));
    expect(get1.regionError?.notLeader).toMatchObject({ regionId: 1 });
    expect(get1.notFound).toBe(false);
  });

  it('refuses a key outside the region that a read has reached', async () => {
    const { call, store } = await startTestServer();
    store.region = { ...store.region, startKey: bytes('b'), endKey: bytes('d') };
    for (const key of ['a', 'd']) {
      expect((await call(TinyKv.rawGet, get(bytes(key)))).regionError?.keyNotInRegion?.regionId).toBe(1);
      expect((await call(TinyKv.rawScan, scan(bytes(key), 1))).regionError?.keyNotInRegion?.regionId).toBe(1);
    }
    expect((await call(TinyKv.rawGet, get(bytes('b')))).regionError).toBeUndefined();
    expect(store.openSnapshots).toBe(0);
  });

  it('answers INTERNAL when reading fails, logs it once without the key, and closes the snapshot', async () => {
    const { call, store, logger } = await startTestServer();
    store.readFailure = Object.assign(new Error('disk'), { code: 'corruption' });
    await expect(call(TinyKv.rawScan, scan(bytes('secret-key'), 1))).rejects.toMatchObject({
      code: status.INTERNAL,
      details: 'internal error: corruption',
    });
    expect(store.openSnapshots).toBe(0);
    expect(logger.messages('error')).toEqual(['a call failed']);
    expect(JSON.stringify(logger.lines)).not.toContain('secret-key');
  });

  it.each([
    'kvGet',
    'kvScan',
    'kvPrewrite',
    'kvCommit',
    'kvCheckTxnStatus',
    'kvBatchRollback',
    'kvResolveLock',
    'coprocessor',
  ] as const)('answers UNIMPLEMENTED with a reason to %s', async (name) => {
    const { callBytes } = await startTestServer();
    await expect(callBytes(TinyKv[name].path, new Uint8Array())).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      details: expect.stringContaining('not offered'),
    });
  });
});

it('refuses a caller that means another cluster', async () => {
  const { store, callBytes } = await startTestServer();
  const request = Buffer.from(kvrpcpb.RawPutRequest.encode(put(bytes('a'), bytes('1'))));
  await expect(callBytes(TinyKv.rawPut.path, request, { 'flotilla-cluster-id': '8' })).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: 'cluster: the caller means cluster 8, this is 7',
  });
  expect(store.data.size).toBe(0);
  await callBytes(TinyKv.rawPut.path, request, { 'flotilla-cluster-id': '7' });
  expect(store.data.size).toBe(1);
});

describe('input limits', () => {
  const { maxKeyBytes, maxValueBytes, maxScanPairs } = testServerConfig;

  it.each([
    ['an empty key', 0, 'key: empty'],
    ['a key one above the limit', maxKeyBytes + 1, `key: ${maxKeyBytes + 1} bytes, the limit is ${maxKeyBytes}`],
  ])('refuses %s everywhere and changes nothing', async (_name, length, details) => {
    const { call, store } = await startTestServer();
    const key = new Uint8Array(length).fill(97);
    const refusal = { code: status.INVALID_ARGUMENT, details: expect.stringContaining(details) };
    await expect(call(TinyKv.rawPut, put(key, bytes('1')))).rejects.toMatchObject(refusal);
    await expect(call(TinyKv.rawGet, get(key))).rejects.toMatchObject(refusal);
    const remove = kvrpcpb.RawDeleteRequest.create({ context: testContext, key });
    await expect(call(TinyKv.rawDelete, remove)).rejects.toMatchObject(refusal);
    expect(store.data.size).toBe(0);
  });

  it.each([1, maxKeyBytes - 1, maxKeyBytes])('takes a key of %i bytes', async (length) => {
    const { call } = await startTestServer();
    const key = new Uint8Array(length).fill(97);
    await call(TinyKv.rawPut, put(key, bytes('1')));
    expect((await call(TinyKv.rawGet, get(key))).value).toEqual(bytes('1'));
  });

  it('takes values up to the limit and refuses the next byte', async () => {
    const { call, store } = await startTestServer();
    for (const length of [0, maxValueBytes - 1, maxValueBytes]) {
      await call(TinyKv.rawPut, put(bytes('a'), new Uint8Array(length)));
      expect((await call(TinyKv.rawGet, get(bytes('a')))).value).toHaveLength(length);
    }
    await expect(call(TinyKv.rawPut, put(bytes('a'), new Uint8Array(maxValueBytes + 1)))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: `value: ${maxValueBytes + 1} bytes, the limit is ${maxValueBytes}`,
    });
    expect(store.data.values().next().value).toHaveLength(maxValueBytes);
  });

  it('takes scans up to the limit of pairs and refuses none and one more', async () => {
    const { call } = await startTestServer();
    for (const limit of [1, maxScanPairs - 1, maxScanPairs]) await call(TinyKv.rawScan, scan(bytes(''), limit));
    for (const limit of [0, maxScanPairs + 1]) {
      await expect(call(TinyKv.rawScan, scan(bytes(''), limit))).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: `limit: ${limit} pairs, from 1 to ${maxScanPairs} are allowed`,
      });
    }
  });

  it('takes requests up to the limit and refuses the next byte', async () => {
    const { callBytes } = await startTestServer({ maxRequestBytes: 5_000 });
    const base = kvrpcpb.RawPutRequest.encode(put(bytes('a'), bytes('1')));
    // An unknown field of four bytes of tag and length pads the request; receivers skip what they do not know.
    const padded = (length: number) => {
      const rest = length - base.length - 4;
      return Buffer.concat([base, Buffer.from([0xfa, 0x7f, (rest & 0x7f) | 0x80, rest >> 7]), Buffer.alloc(rest)]);
    };
    for (const length of [4_999, 5_000]) await callBytes(TinyKv.rawPut.path, padded(length));
    await expect(callBytes(TinyKv.rawPut.path, padded(5_001))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'request: 5001 bytes, the limit is 5000',
    });
  });

  it.each([
    ['context', kvrpcpb.RawGetRequest.create({ key: bytes('a') })],
    ['context.region_id', kvrpcpb.RawGetRequest.create({ key: bytes('a'), context: { ...testContext, regionId: 0 } })],
    [
      'context.region_epoch',
      kvrpcpb.RawGetRequest.create({ key: bytes('a'), context: { ...testContext, regionEpoch: undefined } }),
    ],
    ['context.peer', kvrpcpb.RawGetRequest.create({ key: bytes('a'), context: { ...testContext, peer: undefined } })],
  ])('refuses a request without %s', async (field, request) => {
    const { call } = await startTestServer();
    await expect(call(TinyKv.rawGet, request)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: `${field}: missing`,
    });
  });
});
