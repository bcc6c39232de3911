import { MemoryDisk } from '@flotilla/engine';
import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { openCore } from './fixtures.ts';

const runtime = new SimulatedWorld(1).createRuntime('scheduler');

test('ids are never given out twice, whatever crashes', async () => {
  const disk = new MemoryDisk();
  const drawn: number[] = [];
  for (let life = 0; life < 5; life += 1) {
    const { core } = await openCore(runtime, disk);
    drawn.push(...(await Promise.all(Array.from({ length: 7 + life * 5 }, () => core.ids.allocate()))));
    disk.crash();
  }
  expect(new Set(drawn).size).toBe(drawn.length);
  expect([...drawn].sort((left, right) => left - right)).toEqual(drawn);
});

test('a restart wastes at most one batch', async () => {
  const disk = new MemoryDisk();
  const first = await openCore(runtime, disk);
  expect(await first.core.ids.allocate()).toBe(1);
  disk.crash();
  const second = await openCore(runtime, disk);
  expect(await second.core.ids.allocate()).toBe(11);
});

test('consecutive ids may span batches', async () => {
  const { core } = await openCore(runtime);
  await core.ids.allocate(8);
  const first = await core.ids.allocate(25);
  expect(await core.ids.allocate()).toBe(first + 25);
});

test('nothing is given out once the mark could not be made durable, not even after the disk has recovered', async () => {
  const disk = new MemoryDisk();
  const { core } = await openCore(runtime, disk);
  disk.faults = { sync: () => 'engineIo' };
  await expect(core.ids.allocate()).rejects.toMatchObject({ code: 'unknown' });
  disk.faults = {};
  await expect(core.ids.allocate()).rejects.toMatchObject({ code: 'unknown' });
  expect(core.status().isHealthy).toBe(false);
});
