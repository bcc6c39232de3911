import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLogger, createSystemRuntime } from '@flotilla/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CleanupStack } from '../src/cleanup-stack.ts';
import { type StorageNodeConfig, testStorageNodeConfig } from '../src/config.ts';
import { openDataDirectory } from '../src/data-directory.ts';
import { linkScheduler, type SchedulerLink } from '../src/scheduler-link.ts';

let root: string;
let cleanup: CleanupStack;
let giveUp: AbortController;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  giveUp = new AbortController();
  cleanup = new CleanupStack((name, error) => {
    throw new Error(name, { cause: error });
  });
});
afterEach(async () => {
  giveUp.abort();
  await cleanup.run();
  await rm(root, { recursive: true, force: true });
});

async function link(config: Partial<StorageNodeConfig>, dataDir = root): Promise<SchedulerLink> {
  return linkScheduler({
    config: { ...testStorageNodeConfig, ...config },
    directory: await openDataDirectory(dataDir),
    runtime: createSystemRuntime({ logger: createMemoryLogger() }),
    cleanup,
    observe: () => {},
    signal: giveUp.signal,
  });
}

test('runs a scheduler inside, which others reach too', async () => {
  const inside = await link({});
  expect(inside.isInside).toBe(true);
  const outside = await link({ scheduler: inside.address });
  expect(outside.isInside).toBe(false);
  expect(outside.client.clusterId).toBe(inside.client.clusterId);
  expect(await outside.client.allocId()).not.toBe(await inside.client.allocId());
});

test('keeps the cluster over a restart', async () => {
  const { clusterId } = (await link({})).client;
  await cleanup.run();
  expect((await link({})).client.clusterId).toBe(clusterId);
});

test('refuses a port that is in use', async () => {
  const { address } = await link({});
  await expect(link({ schedulerListen: address }, join(root, 'other'))).rejects.toMatchObject({ code: 'portInUse' });
});

test('waits for a scheduler until it is told to give up', async () => {
  const { address } = await link({});
  await cleanup.run();
  const waiting = link({ scheduler: address });
  giveUp.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
