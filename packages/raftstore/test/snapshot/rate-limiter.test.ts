import { SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/snapshot/rate-limiter.ts';

describe('a rate limiter', () => {
  it('lets a tenth of a second pass at once and then the rate, over all who ask', async () => {
    const world = new SimulatedWorld(1);
    const runtime = world.createRuntime('node');
    await world.advance(5_000);
    const limiter = new RateLimiter(runtime, 1_000);
    const passed: number[] = [];
    for (let number = 0; number < 30; number += 1) {
      void limiter.take(100).then(() => passed.push(world.nowMs - 5_000));
    }
    await world.advance(10_000);
    expect(passed).toEqual(Array.from({ length: 30 }, (_, number) => number * 100));
  });

  it('lets something larger than its bucket pass, and makes who comes next wait for it', async () => {
    const world = new SimulatedWorld(1);
    const limiter = new RateLimiter(world.createRuntime('node'), 1_000);
    const passed: number[] = [];
    void limiter.take(3_000).then(() => passed.push(world.nowMs));
    void limiter.take(1).then(() => passed.push(world.nowMs));
    await world.advance(10_000);
    expect(passed[0]).toBeGreaterThanOrEqual(2_900);
    expect(passed[1]).toBeGreaterThan(passed[0]!);
  });

  it('stops waiting when it is told to', async () => {
    const world = new SimulatedWorld(1);
    const limiter = new RateLimiter(world.createRuntime('node'), 1_000);
    const controller = new AbortController();
    const waiting = limiter.take(5_000, controller.signal).then(
      () => 'passed',
      () => 'given up',
    );
    await world.advance(100);
    controller.abort();
    await world.advance(1);
    expect(await waiting).toBe('given up');
  });
});
