import { flotillapb } from '@flotilla/protocol';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { testServerConfig } from '../src/index.ts';
import { testContext } from './fake-store.ts';
import { startTestServer } from './test-server.ts';

const { rawBatchWrite } = flotillapb.RawBatch;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const put = (key: Uint8Array, value: Uint8Array = bytes('1')) => flotillapb.RawWrite.create({ key, value });
const remove = (key: Uint8Array, value = bytes('')) =>
  flotillapb.RawWrite.create({ op: flotillapb.RawWriteOp.Delete, key, value });
const batch = (writes: readonly flotillapb.RawWrite[], cf = '') =>
  flotillapb.RawBatchWriteRequest.create({ context: testContext, cf, writes: [...writes] });

function textOf(data: ReadonlyMap<string, Uint8Array>): string[] {
  return [...data].map(([cell, value]) => {
    const [cf = '', key = ''] = cell.split('_');
    return `${cf} ${Buffer.from(key, 'hex')}=${Buffer.from(value)}`;
  });
}

describe('a batch of writes', () => {
  it('puts and deletes in its order, in the column family that it names', async () => {
    const { call, store } = await startTestServer();
    await call(rawBatchWrite, batch([put(bytes('a'), bytes('1')), put(bytes('b')), put(bytes('a'), bytes('2'))]));
    await call(rawBatchWrite, batch([put(bytes('c'), bytes('')), remove(bytes('b'))], 'lock'));
    expect(textOf(store.data)).toEqual(['default a=2', 'default b=1', 'lock c=']);
    await expect(call(rawBatchWrite, batch([put(bytes('a'))], 'defualt'))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('cf:'),
    });
  });

  it('answers what the region refuses, and an unknown outcome, in the response', async () => {
    const { call, store } = await startTestServer();
    store.refuseWith = { notLeader: { regionId: 1, leader: undefined } };
    expect((await call(rawBatchWrite, batch([put(bytes('a'))]))).regionError?.notLeader?.regionId).toBe(1);
    store.refuseWith = { outcomeUnknown: { reason: 'the store closed' } };
    const { regionError } = await call(rawBatchWrite, batch([put(bytes('a'))]));
    expect(regionError?.outcomeUnknown).toEqual({ reason: 'the store closed' });
  });

  it('refuses a request without a context, and a caller that means another cluster', async () => {
    const { call, callBytes, store } = await startTestServer();
    const request = { ...batch([put(bytes('a'))]), context: undefined };
    await expect(call(rawBatchWrite, request)).rejects.toMatchObject({ details: 'context: missing' });
    const encoded = flotillapb.RawBatchWriteRequest.encode(batch([put(bytes('a'))]));
    await expect(callBytes(rawBatchWrite.path, encoded, { 'flotilla-cluster-id': '8' })).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
    });
    expect(store.data.size).toBe(0);
  });
});

describe('limits of a batch', () => {
  const { maxBatchWrites, maxKeyBytes, maxValueBytes } = testServerConfig;
  const many = (count: number) => Array.from({ length: count }, (_, index) => put(bytes(`k${index}`)));

  it.each([1, maxBatchWrites - 1, maxBatchWrites])('takes %i writes', async (count) => {
    const { call, store } = await startTestServer();
    expect((await call(rawBatchWrite, batch(many(count)))).regionError).toBeUndefined();
    expect(store.data.size).toBe(count);
  });

  it.each([maxKeyBytes - 1, maxKeyBytes])('takes a key of %i bytes', async (length) => {
    const { call, store } = await startTestServer();
    await call(rawBatchWrite, batch([put(bytes('a')), put(new Uint8Array(length).fill(98))]));
    expect(store.data.size).toBe(2);
  });

  it.each([0, maxValueBytes - 1, maxValueBytes])('takes a value of %i bytes', async (length) => {
    const { call, store } = await startTestServer();
    await call(rawBatchWrite, batch([put(bytes('a'), new Uint8Array(length))]));
    expect(store.data.values().next().value).toHaveLength(length);
  });

  const good = put(bytes('a'));
  it.each([
    ['no writes', [], `writes: 0 writes, from 1 to ${maxBatchWrites} are allowed`],
    ['a write too many', many(maxBatchWrites + 1), `writes: 17 writes, from 1 to ${maxBatchWrites} are allowed`],
    ['an empty key', [good, put(bytes(''))], 'writes[1].key: empty, at least 1 byte is needed'],
    ['a key above the limit', [good, remove(new Uint8Array(65))], 'writes[1].key: 65 bytes, the limit is 64'],
    [
      'a value above the limit',
      [put(bytes('a'), new Uint8Array(4_097))],
      'writes[0].value: 4097 bytes, the limit is 4096',
    ],
    ['a delete with a value', [remove(bytes('a'), bytes('12'))], 'writes[0].value: 2 bytes, a delete has none'],
    [
      'an unknown operation',
      [good, flotillapb.RawWrite.create({ op: 2 as never, key: bytes('a') })],
      'writes[1].op: 2 is no operation, 0 (put) or 1 (delete) is meant',
    ],
  ])('refuses %s and changes nothing', async (_name, writes, details) => {
    const { call, store } = await startTestServer();
    await expect(call(rawBatchWrite, batch(writes))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details });
    expect(store.data.size).toBe(0);
  });

  it('takes requests up to the limit of bytes and refuses the next one', async () => {
    const { callBytes, store } = await startTestServer({ maxRequestBytes: 5_000 });
    const sized = (length: number) => {
      const base = flotillapb.RawBatchWriteRequest.encode(
        batch([put(bytes('a'), new Uint8Array(2_000)), put(bytes('b'), new Uint8Array(2_000))]),
      );
      const value = new Uint8Array(2_000 + length - base.length);
      return flotillapb.RawBatchWriteRequest.encode(
        batch([put(bytes('a'), new Uint8Array(2_000)), put(bytes('b'), value)]),
      );
    };
    await expect(callBytes(rawBatchWrite.path, sized(5_001))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'request: 5001 bytes, the limit is 5000',
    });
    expect(store.data.size).toBe(0);
    for (const length of [4_999, 5_000]) await callBytes(rawBatchWrite.path, sized(length));
    expect(store.data.size).toBe(2);
  });
});
