import { SimulatedWorld } from '@flotilla/runtime';
import { expect, onTestFinished, test } from 'vitest';
import type { CoordinationMachineConfig } from '../../src/index.ts';
import { DirectMachine } from './direct-machine.ts';

const key = (name: string): Uint8Array => new Uint8Array(Buffer.from(name));

async function build(config: Partial<CoordinationMachineConfig>) {
  const world = new SimulatedWorld(1);
  const runtime = world.createRuntime('machine');
  const opening = DirectMachine.open({ runtime, config });
  await world.advance(1);
  const direct = await opening;
  onTestFinished(() => direct.close());
  const backend = direct.connect();
  const put = async (name: string): Promise<void> => {
    const done = backend.put({ key: key(name), value: key('x') });
    await world.advance(1);
    await done;
  };
  const records = async (): Promise<number> => (await direct.engine.scan({ start: key('mr'), end: key('ms') })).length;
  return { world, direct, backend, put, records };
}

test('what a compaction made obsolete is purged in commands of a bounded size', async () => {
  const { world, direct, backend, put, records } = await build({ purgeBatch: 10 });
  for (let round = 0; round < 35; round += 1) await put('a');
  const compacted = backend.compact(36n);
  await world.advance(1);
  await compacted;
  const before = direct.applied.length;
  expect(await records()).toBe(35);
  await world.advance(200);
  expect(await records()).toBe(1);
  expect(direct.applied.length - before).toBe(4);
});

test('a leader compacts what is older than it is to keep, now and then', async () => {
  const { world, backend, put, records } = await build({ retainedRevisions: 20 });
  for (let round = 0; round < 60; round += 1) {
    await put('a');
    await world.advance(200);
  }
  expect(await records()).toBeGreaterThanOrEqual(20);
  expect(await records()).toBeLessThanOrEqual(23);
  const reading = backend.range({ key: key('a'), revision: 61n - 20n });
  await world.advance(1);
  expect((await reading).count).toBe(1);
});

test('the leader logs its shortest lease, and a shorter one gets that', async () => {
  const { world, backend } = await build({ minLeaseTtlSeconds: 7 });
  await world.advance(200);
  const granting = backend.grantLease({ ttlMs: 1 });
  await world.advance(1);
  expect((await granting).ttlMs).toBe(7_000);
});

test('a replica that does not lead proposes nothing', async () => {
  const { world, direct } = await build({ minLeaseTtlSeconds: 7 });
  direct.leadership = undefined;
  await world.advance(10_000);
  expect(direct.applied).toHaveLength(0);
});
