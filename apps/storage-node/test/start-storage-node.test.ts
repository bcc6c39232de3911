import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flotillapb, type metapb } from '@flotilla/protocol';
import { createMemoryLogger, createSystemRuntime, type MemoryLogger, type Runtime } from '@flotilla/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StorageNodeConfig, testStorageNodeConfig } from '../src/config.ts';
import { startStorageNode } from '../src/start-storage-node.ts';
import type { StorageNode } from '../src/storage-node.ts';

let directory: string;
let logger: MemoryLogger;
let runtime: Runtime;
let nodes: StorageNode[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  logger = createMemoryLogger();
  runtime = createSystemRuntime({ logger });
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await rm(directory, { recursive: true, force: true });
});

async function start(
  name: string,
  config: Partial<StorageNodeConfig> = {},
  signal?: AbortSignal,
): Promise<StorageNode> {
  const merged = { ...testStorageNodeConfig, dataDir: join(directory, name), ...config };
  const node = await startStorageNode(merged, runtime, { version: '1.2.3', signal });
  nodes.push(node);
  return node;
}

/** Looks again whenever something may have changed, until it holds. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await runtime.timers.sleep(5);
}

interface StatusPage {
  readonly phase: string;
  readonly version: string;
  readonly regions: readonly { readonly role: number; readonly region: { readonly peers: readonly metapb.Peer[] } }[];
}

/** Members of the first region that count for its quorum; a replica that was just added is a learner. */
function voters({ regions }: StatusPage): number {
  return regions[0]?.region.peers.filter(({ role }) => role === 0).length ?? 0;
}

async function page(node: StorageNode, path: string): Promise<{ readonly code: number; readonly body: string }> {
  const response = await fetch(`http://${node.addresses.http}${path}`);
  return { code: response.status, body: await response.text() };
}

test('serves health, metrics and status', async () => {
  const node = await start('one');
  await until(() => node.store.status().filter(({ role }) => role === flotillapb.RaftRole.Leader).length === 3);
  await until(() => node.readiness().isReady);
  expect(await page(node, '/livez')).toEqual({ code: 200, body: 'ok\n' });
  expect(await page(node, '/readyz')).toEqual({ code: 200, body: '{"ready":true,"reasons":[]}' });
  const metrics = (await page(node, '/metrics')).body;
  for (const name of [
    'flotilla_store_regions 3',
    'flotilla_store_leaders 3',
    'flotilla_store_log_write_seconds_bucket{le="+Inf"',
    'process_cpu_seconds_total',
  ]) {
    expect(metrics).toContain(name);
  }
  const status = JSON.parse((await page(node, '/status')).body) as StatusPage;
  expect(status).toMatchObject({ phase: 'serving', version: '1.2.3', clusterId: node.clusterId });
  expect(status.regions).toHaveLength(3);
});

test('further nodes join the scheduler inside the first one, and get replicas', async () => {
  const first = await start('one');
  const scheduler = first.addresses.scheduler;
  const others = [await start('two', { scheduler }), await start('three', { scheduler })];
  expect(new Set([first, ...others].map(({ storeId }) => storeId)).size).toBe(3);
  expect(others.map(({ clusterId, hasScheduler }) => [clusterId, hasScheduler])).toEqual(
    others.map(() => [first.clusterId, false]),
  );
  await until(async () => {
    const status = JSON.parse((await page(others[1]!, '/status')).body) as StatusPage;
    return voters(status) === 3 && others[1]!.readiness().isReady;
  });
});

test('a client inside a node reads and writes the whole cluster', async () => {
  const first = await start('one');
  const second = await start('two', { scheduler: first.addresses.scheduler });
  const [own, other] = [first.createClient(), second.createClient()];
  const key = Buffer.from('ship');
  await own.put(key, Buffer.from('Endurance'));
  expect(Buffer.from((await other.get(key)) ?? []).toString()).toBe('Endurance');
  await other.delete(key);
  expect(await own.get(key)).toBeUndefined();
  // The first node leads: nothing of its own client's calls went through its server.
  const metrics = (await page(first, '/metrics')).body;
  expect(metrics).not.toContain('method="RawPut"');
  await Promise.all([own.close(), other.close()]);
});

test('closing hands leadership on and lets go of directory and ports', async () => {
  const first = await start('one');
  const { scheduler } = first.addresses;
  const second = await start('two', { scheduler });
  const third = await start('three', { scheduler });
  const leads = async (node: StorageNode): Promise<boolean> => {
    const status = JSON.parse((await page(node, '/status')).body) as StatusPage;
    return status.regions[0]?.role === 3;
  };
  await until(async () => {
    const status = JSON.parse((await page(third, '/status')).body) as StatusPage;
    return voters(status) === 3 && third.readiness().isReady;
  });
  // The scheduler lives in the first node, so leadership is brought to another one before that is closed.
  const signal = new AbortController().signal;
  await until(async () => {
    for (const node of [second, third]) if (await leads(node)) await node.store.transferLeadershipAway(signal);
    return leads(first);
  });
  await second.close();
  const again = await start('two', { scheduler, listen: second.addresses.grpc, http: second.addresses.http });
  expect(again.storeId).toBe(second.storeId);
  await until(() => again.readiness().isReady);
  await first.close();
  await until(async () => (await leads(again)) || (await leads(third)));
  expect(logger.messages('error')).toEqual([]);
});

test('what was opened is let go when the start fails', async () => {
  const first = await start('one');
  await expect(start('two', { http: first.addresses.http })).rejects.toMatchObject({ code: 'portInUse' });
  await start('two');
});

test('waits for its scheduler, alive but not ready, until it is told to stop', async () => {
  const giveUp = new AbortController();
  const starting = start('one', { scheduler: '127.0.0.1:1' }, giveUp.signal);
  giveUp.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');
  await start('one');
});
