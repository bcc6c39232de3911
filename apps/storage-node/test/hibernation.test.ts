import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flotillapb, schedulerpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import {
  isSchedulerError,
  OperatorClient,
  type OrderFields,
  testGrpcSchedulerClientConfig,
} from '@flotilla/scheduler-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultStorageNodeConfig, testStorageNodeConfig } from '../src/config.ts';
import { startStorageNode } from '../src/start-storage-node.ts';
import type { StorageNode } from '../src/storage-node.ts';

const { OrderType } = flotillapb;
const runtime = createSystemRuntime({ logger: silentLogger });

let directory: string;
let nodes: StorageNode[];
let operators: OperatorClient | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  nodes = [];
});
afterEach(async () => {
  await operators?.close();
  await Promise.all(nodes.map((node) => node.close()));
  await rm(directory, { recursive: true, force: true });
});

/** A node whose regions sleep soon and report every ten minutes, but for what changes. */
async function start(name: string, scheduler?: string): Promise<StorageNode> {
  const intervals = {
    hibernateAfterMs: 200,
    regionHeartbeatIntervalMs: 600_000,
    idleRegionHeartbeatIntervalMs: 600_000,
    // Its region never sleeps.
    coordination: 'off',
  } as const;
  const config = { ...testStorageNodeConfig, ...intervals, maxPeerCount: scheduler === undefined ? 2 : 3, scheduler };
  const node = await startStorageNode({ ...config, dataDir: join(directory, name) }, runtime, { version: '1.2.3' });
  nodes.push(node);
  return node;
}

async function sleepers(node: StorageNode): Promise<number> {
  const metrics = await (await fetch(`http://${node.addresses.http}/metrics`)).text();
  return Number(/^flotilla_store_hibernating_peers (\d+)$/m.exec(metrics)?.[1]);
}

async function untilAsleep(count: number): Promise<void> {
  for (const node of nodes) while ((await sleepers(node)) < count) await runtime.timers.sleep(20);
}

/** Orders a change; asks again until the scheduler has heard of its store. */
async function ordered(regionId: number, order: OrderFields): Promise<flotillapb.OperatorInfo | undefined> {
  for (;;) {
    try {
      return await operators!.order(regionId, order);
    } catch (error) {
      if (!isSchedulerError(error, 'impossible') || !error.message.includes('not been heard of')) throw error;
      await runtime.timers.sleep(20);
    }
  }
}

/** Orders a change and waits until it is done. */
async function carryOut(regionId: number, order: OrderFields): Promise<void> {
  let operator = await ordered(regionId, order);
  const id = operator?.id ?? 0;
  while (operator?.status === schedulerpb.OperatorStatus.RUNNING) {
    await runtime.timers.sleep(20);
    operator = await operators!.find(id);
  }
  expect(operator?.reason).toBe('');
  expect(operator?.status).toBe(schedulerpb.OperatorStatus.SUCCESS);
}

test('regions hibernate unless that is switched off', () => {
  expect(defaultStorageNodeConfig.hibernateAfterMs).toBeGreaterThan(defaultStorageNodeConfig.regionHeartbeatIntervalMs);
});

test('what is ordered for regions that hibernate is done without waiting for their reports', async () => {
  const first = await start('one');
  await untilAsleep(1);
  const { scheduler } = first.addresses;
  const second = await start('two', scheduler);
  const config = testGrpcSchedulerClientConfig;
  operators = await OperatorClient.connect({ endpoints: [scheduler], runtime, config });
  const [region] = (await operators.listRegions()).map((info) => info.region!);
  await carryOut(region!.id, { type: OrderType.AddPeer, storeId: second.storeId });
  await untilAsleep(1);
  await carryOut(region!.id, { type: OrderType.TransferLeader, storeId: second.storeId });
  await untilAsleep(1);
  await carryOut(region!.id, { type: OrderType.SplitRegion, keys: [Buffer.from('m')] });
  await untilAsleep(2);
  expect(await operators.listRegions()).toHaveLength(2);
});
