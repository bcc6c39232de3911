import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { defaultServiceRegistryConfig } from '../../src/index.ts';
import { MassExpiryGuard } from '../../src/registry/mass-expiry-guard.ts';
import { serviceInstance } from './service-instance.ts';

function setUp(): { world: SimulatedWorld; guard: MassExpiryGuard; retained(): string[] } {
  const world = new SimulatedWorld(1);
  const guard = new MassExpiryGuard(defaultServiceRegistryConfig, world.createRuntime('client').clock);
  return { world, guard, retained: () => [...guard.retained.keys()] };
}

const instances = (...ids: readonly string[]) => ids.map((id) => serviceInstance(id));

test('what vanishes with half of the service or less is believed', () => {
  const { guard, retained } = setUp();
  guard.lost(instances('a', 'b', 'c'), 3);
  expect(retained()).toEqual([]);
});

test('what vanishes with more than half of the service stays, for a bounded time', async () => {
  const { world, guard, retained } = setUp();
  guard.lost(instances('a', 'b', 'c'), 2);
  expect(retained()).toEqual(['a', 'b', 'c']);
  expect(guard.nextReleaseMs).toBe(60_000);
  await world.advance(60_000);
  expect(retained()).toEqual([]);
  expect(guard.nextReleaseMs).toBeUndefined();
});

test('losses within the window count together, and the early ones come back', async () => {
  const { world, guard, retained } = setUp();
  guard.lost(instances('a'), 4);
  await world.advance(14_000);
  guard.lost(instances('b'), 3);
  expect(retained()).toEqual([]);
  guard.lost(instances('c'), 2);
  expect(retained()).toEqual(['a', 'b', 'c']);
});

test('losses further apart than the window are single deaths', async () => {
  const { world, guard, retained } = setUp();
  for (const [id, left] of [
    ['a', 4],
    ['b', 3],
    ['c', 2],
    ['d', 1],
    ['e', 0],
  ] as const) {
    guard.lost(instances(id), left);
    await world.advance(15_000);
  }
  expect(retained()).toEqual([]);
});

test('fewer than three are single deaths, however large their share', () => {
  const { guard, retained } = setUp();
  guard.lost(instances('a', 'b'), 0);
  expect(retained()).toEqual([]);
});

test('who registers again or leaves is taken at its word', () => {
  const { guard, retained } = setUp();
  guard.lost(instances('a', 'b', 'c'), 0);
  guard.settle('b');
  expect(retained()).toEqual(['a', 'c']);
});

test('a share of 1 turns the guard off', () => {
  const world = new SimulatedWorld(1);
  const rules = { ...defaultServiceRegistryConfig, protectedShare: 1 };
  const guard = new MassExpiryGuard(rules, world.createRuntime('client').clock);
  guard.lost(instances('a', 'b', 'c', 'd'), 0);
  expect(guard.retained.size).toBe(0);
});
