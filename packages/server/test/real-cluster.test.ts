import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { type MeasuredStore, registerStoreMetrics } from '../src/index.ts';
import { RealCluster } from './real-cluster.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const keyOf = (index: number): Uint8Array => bytes(`key-${String(index).padStart(5, '0')}`);

it('serves a client from a real store', async () => {
  const cluster = await RealCluster.start(1);
  const client = cluster.client();
  expect(await client.get(bytes('a'))).toBeUndefined();
  await client.put(bytes('a'), bytes(''));
  expect(await client.get(bytes('a'))).toEqual(new Uint8Array());
  await client.delete(bytes('a'));
  expect(await client.get(bytes('a'))).toBeUndefined();
  const pairs = Array.from({ length: 1_500 }, (_, index) => ({ key: keyOf(index), value: bytes(String(index)) }));
  expect(await client.putMany(pairs)).toBe(1_500);
  const found = [];
  for await (const pair of client.scan()) found.push(pair);
  expect(found.map(({ key }) => Buffer.from(key).toString())).toEqual(
    pairs.map(({ key }) => Buffer.from(key).toString()),
  );
  const reports = await client.storeReports();
  expect(reports).toMatchObject([{ type: 'answered', status: { version: 'test', regions: [{ role: 3 }] } }]);
});

it('shows the counters of a real store', async () => {
  const cluster = await RealCluster.start(1);
  await cluster.client().put(bytes('a'), bytes('1'));
  const registry = new Registry();
  registerStoreMetrics(registry, cluster.nodes[0]?.running?.store as MeasuredStore);
  const figures = new Map<string, number>();
  for (const line of (await registry.metrics()).split('\n')) {
    const [name = '', value] = line.split(' ');
    if (name.startsWith('flotilla_store_')) figures.set(name, Number(value));
  }
  expect(figures.get('flotilla_store_leaders')).toBe(1);
  expect(figures.get('flotilla_store_propose_to_apply_seconds_count')).toBeGreaterThanOrEqual(1);
  expect(figures.get('flotilla_store_log_write_seconds_sum')).toBeGreaterThan(0);
  expect([...figures.values()].every(Number.isFinite)).toBe(true);
});

it('takes the largest key and value, and refuses one byte more', async () => {
  const cluster = await RealCluster.start(1);
  const client = cluster.client();
  const key = new Uint8Array(8 * 1024).fill(1);
  const value = new Uint8Array(6 * 1024 * 1024).fill(2);
  await client.put(key, value);
  expect(await client.get(key)).toHaveLength(value.length);
  await expect(client.put(new Uint8Array(key.length + 1), value)).rejects.toMatchObject({ code: 'invalidArgument' });
  await expect(client.put(key, new Uint8Array(value.length + 1))).rejects.toMatchObject({ code: 'invalidArgument' });
});

it('keeps every acknowledged write on three stores while their leader is crashed again and again', async () => {
  const cluster = await RealCluster.start(3);
  const client = cluster.client({ retryUnknownWrites: true });
  await client.put(keyOf(0), bytes('first'));
  await cluster.replicate();
  let done = 0;
  let waiting = { count: 0, wake: () => {} };
  const acknowledged = (count: number): Promise<void> =>
    new Promise((resolve) => {
      waiting = { count, wake: resolve };
      if (done >= count) resolve();
    });
  const onProgress = (succeeded: number): void => {
    done = succeeded;
    if (done >= waiting.count) waiting.wake();
  };
  const pairs = Array.from({ length: 800 }, (_, index) => ({ key: keyOf(index), value: bytes(`v${index}`) }));
  const load = client.putMany(pairs, { onProgress });
  for (let crash = 1; crash <= 3; crash += 1) {
    await acknowledged(crash * 200);
    const leader = cluster.leaderNode(keyOf(0));
    await cluster.crash(leader);
    await cluster.open(leader);
  }
  expect(await load).toBe(800);
  const found = [];
  for await (const { key, value } of client.scan()) found.push(`${Buffer.from(key)}=${Buffer.from(value)}`);
  expect(found).toEqual(pairs.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`));
});

it('sends a snapshot to a store that joins late', async () => {
  const cluster = await RealCluster.start(2);
  const client = cluster.client();
  const pairs = Array.from({ length: 500 }, (_, index) => ({ key: keyOf(index), value: Buffer.alloc(10_000) }));
  await client.putMany(pairs);
  await cluster.replicate();
  const late = cluster.nodes[1]?.running?.store;
  expect(late?.metrics().snapshotsApplied).toBe(1);
  expect(await client.getMany([keyOf(0), keyOf(499)])).toEqual([Buffer.alloc(10_000), Buffer.alloc(10_000)]);
});
