import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { bytes, collect, startTestCluster, until } from './test-client.ts';

describe('single keys', () => {
  it('puts, gets, deletes and tells an empty value from no value', async () => {
    const { client } = await startTestCluster();
    expect(await client.get(bytes('a'))).toBeUndefined();
    await client.put(bytes('a'), bytes(''));
    expect(await client.get(bytes('a'))).toEqual(new Uint8Array());
    await client.put(bytes('a'), bytes('1'));
    expect(await client.get(bytes('a'))).toEqual(bytes('1'));
    await client.delete(bytes('a'));
    expect(await client.get(bytes('a'))).toBeUndefined();
  });

  it.each([
    ['an empty key', 0, 0, 'key: empty'],
    ['a key above the limit', 9, 0, 'key: 9 bytes, the limit is 8'],
    ['a value above the limit', 8, 17, 'value: 17 bytes, the limit is 16'],
  ])('refuses %s before anything is sent', async (_name, keyBytes, valueBytes, message) => {
    const { client, cluster } = await startTestCluster({ maxKeyBytes: 8, maxValueBytes: 16 });
    await expect(client.put(new Uint8Array(keyBytes), new Uint8Array(valueBytes))).rejects.toMatchObject({
      code: 'invalidArgument',
      message: expect.stringContaining(message),
    });
    expect(cluster.arrivals).toEqual([]);
  });

  it.each([
    [7, 15],
    [8, 16],
  ])('takes a key of %i bytes with a value of %i', async (keyBytes, valueBytes) => {
    const { client } = await startTestCluster({ maxKeyBytes: 8, maxValueBytes: 16 });
    const key = new Uint8Array(keyBytes).fill(1);
    await client.put(key, new Uint8Array(valueBytes));
    expect(await client.get(key)).toHaveLength(valueBytes);
  });

  it('asks the scheduler once for many calls', async () => {
    const { client, cluster } = await startTestCluster();
    await Promise.all(Array.from({ length: 50 }, (_, index) => client.put(bytes(`k${index}`), bytes('1'))));
    expect(cluster.lookups).toEqual(['regions', 'store 1']);
  });

  it('goes on without the scheduler once it knows the way', async () => {
    const { client, cluster } = await startTestCluster();
    await client.put(bytes('a'), bytes('1'));
    cluster.isSchedulerDown = true;
    expect(await client.get(bytes('a'))).toEqual(bytes('1'));
    let isFirst = true;
    cluster.misbehave = () => {
      const fault = isFirst ? ({ type: 'status', code: status.UNAVAILABLE } as const) : undefined;
      isFirst = false;
      return fault;
    };
    // Neither the address in doubt nor the other stores can be looked up; the store is where it was.
    expect(await client.get(bytes('a'))).toEqual(bytes('1'));
  });
});

it('goes on with a scheduler that answers nothing, once it knows the way', async () => {
  const { client, cluster } = await startTestCluster({ connectTimeoutMs: 50 });
  await client.put(bytes('a'), bytes('1'));
  cluster.isSchedulerSilent = true;
  let faults = 0;
  cluster.misbehave = () => {
    faults += 1;
    return faults === 1 ? ({ type: 'status', code: status.UNAVAILABLE } as const) : undefined;
  };
  expect(await client.get(bytes('a'))).toEqual(bytes('1'));
  // Nothing is in doubt any more: the store was where it had been.
  cluster.lookups.length = 0;
  expect(await client.get(bytes('a'))).toEqual(bytes('1'));
  expect(cluster.lookups).toEqual([]);
});

describe('many keys', () => {
  const pairs = Array.from({ length: 30 }, (_, index) => ({ key: bytes(`k${index}`), value: bytes(`v${index}`) }));

  it('puts, gets and deletes with bounded concurrency', async () => {
    const { client, cluster } = await startTestCluster();
    const progress: number[] = [];
    expect(await client.putMany(pairs, { onProgress: (succeeded) => progress.push(succeeded) })).toBe(30);
    expect(progress).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(await client.getMany(pairs.map(({ key }) => key))).toEqual(pairs.map(({ value }) => value));
    async function* keys(): AsyncGenerator<Uint8Array> {
      for (const { key } of pairs) yield key;
    }
    expect(await client.deleteMany(keys())).toBe(30);
    expect(cluster.data.size).toBe(0);
  });

  it('tells which writes of a batch failed and begins no more', async () => {
    const { client, cluster } = await startTestCluster();
    const bad = [...pairs.slice(0, 5), { key: new Uint8Array(), value: bytes('') }, ...pairs.slice(5)];
    await expect(client.putMany(bad, { concurrency: 1 })).rejects.toMatchObject({
      code: 'batchIncomplete',
      succeeded: 5,
      begun: 6,
      failures: [{ index: 5, error: expect.objectContaining({ code: 'invalidArgument' }) }],
    });
    expect(cluster.data.size).toBe(5);
  });

  it('passes on the error of a source, after what was begun has ended', async () => {
    const { client, cluster } = await startTestCluster();
    async function* failing(): AsyncGenerator<{ key: Uint8Array; value: Uint8Array }> {
      yield* pairs.slice(0, 3);
      throw new Error('the file is gone');
    }
    await expect(client.putMany(failing())).rejects.toThrow('the file is gone');
    expect(cluster.data.size).toBe(3);
  });
});

describe('scans', () => {
  it('go over all regions in order, in pages, within their range and limit', async () => {
    const { client, cluster } = await startTestCluster();
    const keys = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index));
    await client.putMany(keys.map((key) => ({ key: bytes(key), value: bytes(key.toUpperCase()) })));
    cluster.split(bytes('h'));
    cluster.moveLeader(2, 3);
    cluster.split(bytes('p'));
    const textOf = async (range: Parameters<typeof client.scan>[0]) =>
      (await collect(client.scan(range))).map(({ key }) => Buffer.from(key).toString()).join('');
    expect(await textOf({})).toBe(keys.join(''));
    expect(await textOf({ start: bytes('c'), end: bytes('s') })).toBe('cdefghijklmnopqr');
    expect(await textOf({ start: bytes('c'), limit: 13 })).toBe('cdefghijklmno');
    expect(await textOf({ start: bytes('h'), end: bytes('h') })).toBe('');
    expect(await textOf({ start: bytes('x'), end: bytes('b') })).toBe('');
    expect(await textOf({ limit: 0 })).toBe('');
    cluster.maxScanBytes = 1;
    expect(await textOf({})).toBe(keys.join(''));
  });

  it('pass a split in their middle', async () => {
    const { client, cluster } = await startTestCluster();
    const keys = Array.from({ length: 20 }, (_, index) => bytes(`k${String(index).padStart(2, '0')}`));
    await client.putMany(keys.map((key) => ({ key, value: key })));
    const seen: Uint8Array[] = [];
    for await (const { key } of client.scan()) {
      seen.push(key);
      if (seen.length === 5) cluster.split(bytes('k07'));
      if (seen.length === 10) cluster.moveLeader(2, 2);
    }
    expect(seen).toEqual(keys);
  });

  it('stop asking when nobody reads on', async () => {
    const { client, cluster } = await startTestCluster();
    const keys = Array.from({ length: 20 }, (_, index) => bytes(`k${String(index).padStart(2, '0')}`));
    await client.putMany(keys.map((key) => ({ key, value: key })));
    cluster.arrivals.length = 0;
    for await (const _pair of client.scan()) break;
    expect(cluster.arrivals).toEqual(['1:scan']);
  });

  it('refuse a wrong limit', async () => {
    const { client } = await startTestCluster();
    await expect(collect(client.scan({ limit: -1 }))).rejects.toMatchObject({ code: 'invalidArgument' });
    await expect(collect(client.scan({ limit: 0.5 }))).rejects.toMatchObject({ code: 'invalidArgument' });
  });
});

describe('giving up', () => {
  it('cancels a read under way', async () => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = () => ({ type: 'hang' });
    const controller = new AbortController();
    const read = client.get(bytes('a'), { signal: controller.signal });
    await until(() => cluster.arrivals.length > 0);
    controller.abort(new Error('the user left'));
    await expect(read).rejects.toMatchObject({ code: 'cancelled', cause: new Error('the user left') });
  });

  it('cancels a write that was not sent, with a clear no', async () => {
    const { client, cluster } = await startTestCluster();
    await expect(client.put(bytes('a'), bytes('1'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(cluster.arrivals).toEqual([]);
  });

  it('tells that the outcome of a write is unknown when it was under way', async () => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = () => ({ type: 'hang' });
    const controller = new AbortController();
    const write = client.put(bytes('a'), bytes('1'), { signal: controller.signal });
    await until(() => cluster.arrivals.length > 0);
    controller.abort();
    await expect(write).rejects.toMatchObject({ code: 'outcomeUnknown' });
  });

  it('ends everything when it closes', async () => {
    const { client, cluster } = await startTestCluster();
    cluster.misbehave = () => ({ type: 'hang' });
    const read = client.get(bytes('a'));
    const write = client.put(bytes('a'), bytes('1'));
    await until(() => cluster.arrivals.length === 2);
    await client.close();
    await expect(read).rejects.toMatchObject({ code: 'closed' });
    await expect(write).rejects.toMatchObject({ code: 'outcomeUnknown' });
    await expect(client.get(bytes('a'))).rejects.toMatchObject({ code: 'closed' });
  });
});

it('reports every store, and the reason of one that is silent', async () => {
  const { client, cluster } = await startTestCluster({ attemptTimeoutMs: 5_000 });
  cluster.killStore(2);
  const reports = await client.storeReports();
  expect(reports.map(({ type, store }) => `${store.id} ${type}`)).toEqual(['1 answered', '2 silent', '3 answered']);
  expect(reports[1]).toMatchObject({ reason: expect.stringContaining('cannot connect') });
  cluster.isSchedulerDown = true;
  await expect(client.storeReports()).rejects.toMatchObject({ code: 'unavailable' });
});
