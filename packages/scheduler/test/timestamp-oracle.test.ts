import { MemoryDisk } from '@flotilla/engine';
import type { schedulerpb } from '@flotilla/protocol';
import { createMemoryLogger, SimulatedWorld } from '@flotilla/runtime';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCore } from './fixtures.ts';

/** Timestamps as one number each, in their order. */
function order({ physical, logical }: schedulerpb.Timestamp): bigint {
  return (BigInt(physical) << 18n) + BigInt(logical);
}

type Event =
  | { readonly type: 'ask'; readonly count: number }
  | { readonly type: 'jump'; readonly byMs: number }
  | { readonly type: 'pass'; readonly byMs: number }
  | { readonly type: 'crash' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('ask' as const), count: fc.integer({ min: 1, max: 2 ** 18 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('jump' as const), byMs: fc.integer({ min: -90_000, max: 5000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pass' as const), byMs: fc.integer({ min: 0, max: 500 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const) }) },
);

test('timestamps only rise, across crashes and whatever the wall clock does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 40 }), async (events) => {
      const world = new SimulatedWorld(1);
      const runtime = world.createRuntime('scheduler');
      const disk = new MemoryDisk();
      let { core } = await openCore(runtime, disk);
      let last = -1n;
      for (const happening of events) {
        if (happening.type === 'jump') runtime.clock.jumpWall(happening.byMs);
        if (happening.type === 'pass') await world.advance(happening.byMs);
        if (happening.type === 'crash') {
          disk.crash();
          core = (await openCore(runtime, disk)).core;
        }
        if (happening.type !== 'ask') continue;
        const given = await core.timestamps.allocate(happening.count);
        expect(given.logical).toBeLessThan(2 ** 18);
        const first = order(given) - BigInt(happening.count - 1);
        expect(first > last).toBe(true);
        last = order(given);
      }
    }),
    { numRuns: 60 },
  );
});

test('concurrent callers get timestamps of their own', async () => {
  const { core } = await openCore(new SimulatedWorld(1).createRuntime('scheduler'));
  const given = await Promise.all(Array.from({ length: 50 }, () => core.timestamps.allocate()));
  expect(new Set(given.map(order)).size).toBe(50);
});

test('the physical part is the wall clock while that runs forward', async () => {
  const world = new SimulatedWorld(1);
  const runtime = world.createRuntime('scheduler');
  const { core } = await openCore(runtime);
  for (let round = 0; round < 5; round += 1) {
    await world.advance(70);
    expect((await core.timestamps.allocate()).physical).toBe(runtime.clock.wallMs());
  }
});

test('a wall clock that fell behind is told of once', async () => {
  const logger = createMemoryLogger();
  const runtime = new SimulatedWorld(1).createRuntime('scheduler', logger);
  const { core } = await openCore(runtime);
  await core.timestamps.allocate();
  runtime.clock.jumpWall(-60_000);
  await core.timestamps.allocate();
  await core.timestamps.allocate();
  expect(logger.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
});

test.each([0, -1, 2 ** 18 + 1, 1.5, Number.NaN])('a count of %d is refused', async (count) => {
  const { core } = await openCore(new SimulatedWorld(1).createRuntime('scheduler'));
  await expect(core.timestamps.allocate(count)).rejects.toMatchObject({ code: 'invalidArgument' });
});
