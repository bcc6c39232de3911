import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { BatchIncompleteError } from '../src/index.ts';
import { bytes, startTestCluster, until } from './test-client.ts';

const pairsOf = (keys: string) => [...keys].map((key) => ({ key: bytes(key), value: bytes(key.toUpperCase()) }));
const alphabet = 'abcdefghijklmnopqrstuvwxyz';

/** What a batch that cannot end well rejects with. */
async function failureOf(batch: Promise<number>): Promise<BatchIncompleteError> {
  const error = await batch.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BatchIncompleteError);
  return error as BatchIncompleteError;
}

const codesOf = ({ failures }: BatchIncompleteError) => failures.map(({ index, error }) => `${index} ${error.code}`);

describe('batches', () => {
  it('have as many writes as they may, and no more are under way than they may', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 4 });
    cluster.misbehave = () => ({ type: 'hang' });
    const controller = new AbortController();
    const batch = client.putMany(pairsOf(alphabet), { concurrency: 3, signal: controller.signal });
    await until(() => cluster.arrivals.length === 3);
    controller.abort();
    const error = await failureOf(batch);
    expect(error).toMatchObject({ succeeded: 0, begun: 12 });
    expect(codesOf(error)).toEqual(Array.from({ length: 12 }, (_, index) => `${index} outcomeUnknown`));
    expect(cluster.arrivals).toEqual(['1:batch', '1:batch', '1:batch']);
  });

  it.each([
    [3, ['abc', 'de']],
    [4, ['abcd', 'e']],
    [5, ['abcde']],
  ])('of up to %i writes', async (maxBatchWrites, expected) => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites });
    await client.putMany(pairsOf('abcde'), { concurrency: 1 });
    expect(cluster.batches.map((keys) => keys.join(''))).toEqual(expected);
  });

  it('end before they grow beyond their bytes, and a larger write goes alone', async () => {
    // A write counts as 16 bytes more than its key and value.
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100, maxBatchBytes: 36 });
    const pairs = [...pairsOf('ab'), { key: bytes('c'), value: new Uint8Array(20) }, ...pairsOf('def')];
    await client.putMany(pairs, { concurrency: 1 });
    expect(cluster.batches.map((keys) => keys.join(''))).toEqual(['ab', 'c', 'de', 'f']);
  });

  it('are sent when an input pauses', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100 });
    async function* waiting(): AsyncGenerator<Uint8Array> {
      yield bytes('a');
      yield bytes('b');
      await until(() => cluster.batches.length === 1);
      yield bytes('c');
    }
    expect(await client.deleteMany(waiting())).toBe(3);
    expect(cluster.batches).toEqual([['a', 'b'], ['c']]);
  });

  it('keep the order of writes of one key, within a batch and across batches', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 2 });
    let arrivals = 0;
    // What comes later must not overtake what has to be sent again.
    cluster.misbehave = (_storeId, call) =>
      call === 'batch' && ++arrivals % 2 === 1
        ? { type: 'refuse', error: { serverIsBusy: { reason: '', backoffMs: 0 } } }
        : undefined;
    const pairs = Array.from({ length: 40 }, (_, index) => ({ key: bytes(`k${index % 3}`), value: bytes(`${index}`) }));
    await client.putMany(pairs, { concurrency: 8 });
    for (const index of [37, 38, 39]) expect(await client.get(bytes(`k${index % 3}`))).toEqual(bytes(`${index}`));
  });
});

describe('batches over several regions', () => {
  it('go to each region once', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100 });
    cluster.split(bytes('h'));
    cluster.moveLeader(2, 3);
    await client.get(bytes('a'));
    cluster.arrivals.length = 0;
    expect(await client.putMany(pairsOf(alphabet))).toBe(26);
    expect(cluster.arrivals.sort()).toEqual(['1:batch', '3:batch']);
    expect(cluster.batches.map((keys) => keys.join('')).sort()).toEqual(['abcdefg', 'hijklmnopqrstuvwxyz']);
  });

  it('follow splits and new leaders that they did not know of', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100 });
    await client.get(bytes('a'));
    cluster.split(bytes('h'));
    cluster.moveLeader(2, 3);
    cluster.split(bytes('p'));
    cluster.moveLeader(1, 2);
    expect(await client.putMany(pairsOf(alphabet))).toBe(26);
    expect(cluster.data.size).toBe(26);
    expect(cluster.batches.map((keys) => keys.join('')).sort()).toEqual(['abcdefg', 'hijklmno', 'pqrstuvwxyz']);
  });

  it('tell of each write how it ended when one region does not answer', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100 });
    cluster.split(bytes('d'));
    cluster.moveLeader(2, 3);
    cluster.misbehave = (storeId) => (storeId === 3 ? { type: 'actThenCut' } : undefined);
    const error = await failureOf(client.putMany(pairsOf('abcdef')));
    expect(error).toMatchObject({ succeeded: 3, begun: 6 });
    expect(codesOf(error)).toEqual(['3 outcomeUnknown', '4 outcomeUnknown', '5 outcomeUnknown']);
    expect(cluster.arrivals.filter((arrival) => arrival === '3:batch')).toHaveLength(1);
    expect(cluster.data.size).toBe(6);
  });
});

describe('failures of batches', () => {
  it('leave certain what a region refused until the attempts were over', async () => {
    const { client, cluster } = await startTestCluster({ maxAttempts: 6 });
    cluster.moveLeader(1, undefined);
    expect(codesOf(await failureOf(client.putMany(pairsOf('ab'))))).toEqual(['0 regionError', '1 regionError']);
    expect(cluster.data.size).toBe(0);
  });

  it('leave certain what could not be sent', async () => {
    const { client, cluster } = await startTestCluster({ maxAttempts: 6 });
    cluster.isSchedulerDown = true;
    expect(codesOf(await failureOf(client.putMany(pairsOf('ab'))))).toEqual(['0 unavailable', '1 unavailable']);
  });

  it('are narrowed down to the write that a store takes for invalid', async () => {
    const { client, cluster } = await startTestCluster({ maxBatchWrites: 100 });
    cluster.isBadKey = (key) => Buffer.from(key).toString() === 'f';
    const error = await failureOf(client.putMany(pairsOf('abcdefgh')));
    expect(error).toMatchObject({ succeeded: 7 });
    expect(codesOf(error)).toEqual(['5 invalidArgument']);
  });

  it.each([
    [status.UNIMPLEMENTED, 'rejected'],
    [status.INTERNAL, 'outcomeUnknown'],
  ])('with status %i are %s, and nothing is sent again', async (code, expected) => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = () => ({ type: 'status', code });
    expect(codesOf(await failureOf(client.putMany(pairsOf('ab'))))).toEqual([`0 ${expected}`, `1 ${expected}`]);
    expect(cluster.arrivals).toEqual(['1:batch']);
  });
});

describe('batches of unknown outcome, for a writer that may repeat them', () => {
  it('are sent again', async () => {
    const { client, cluster } = await startTestCluster({ retryUnknownWrites: true });
    let faults = 0;
    cluster.misbehave = () => (++faults <= 2 ? { type: 'actThenUnknown' } : undefined);
    expect(await client.putMany(pairsOf('abc'))).toBe(3);
    expect(cluster.arrivals).toHaveLength(3);
  });

  it('stay unknown for what a split has left out and could not be sent again', async () => {
    const { client, cluster } = await startTestCluster({ retryUnknownWrites: true, maxAttempts: 6 });
    let isFirst = true;
    cluster.misbehave = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      queueMicrotask(() => {
        cluster.split(bytes('c'));
        cluster.moveLeader(2, undefined);
      });
      return { type: 'actThenUnknown' };
    };
    const error = await failureOf(client.putMany(pairsOf('abcd')));
    expect(error).toMatchObject({ succeeded: 2 });
    expect(codesOf(error)).toEqual(['2 outcomeUnknown', '3 outcomeUnknown']);
  });
});
