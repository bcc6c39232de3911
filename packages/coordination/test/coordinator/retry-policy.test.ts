import { createSeededRandom, SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { type RetryConfig, RetryPolicy, retryViolations } from '../../src/coordinator/retry-policy.ts';

const config: RetryConfig = {
  maxRetries: 3,
  initialIntervalMs: 100,
  maxIntervalMs: 200,
  multiplier: 1.5,
  jitter: 0,
};
const always = { mayRetry: () => true };

/** Fails so often, then answers; notes when it was asked. */
function flaky(world: SimulatedWorld, failures: number) {
  const askedMs: number[] = [];
  const attempt = async (): Promise<string> => {
    askedMs.push(world.nowMs);
    if (askedMs.length <= failures) throw new Error(`failure ${askedMs.length}`);
    return 'answer';
  };
  return { askedMs, attempt };
}

/** How a promise ended, once it has. */
function outcomeOf<T>(promise: Promise<T>) {
  const outcome: { value?: T; error?: unknown; isSettled: boolean } = { isSettled: false };
  promise.then(
    (value) => Object.assign(outcome, { value, isSettled: true }),
    (error: unknown) => Object.assign(outcome, { error, isSettled: true }),
  );
  return outcome;
}

test('pauses grow by the multiplier up to the longest', async () => {
  const world = new SimulatedWorld(1);
  const { askedMs, attempt } = flaky(world, 3);
  const outcome = outcomeOf(new RetryPolicy(config, world.createRuntime('a')).run(attempt, always));
  await world.runUntilIdle();
  expect(outcome.value).toBe('answer');
  expect(askedMs).toEqual([0, 100, 250, 450]);
});

test('after the last retry the last failure is the outcome', async () => {
  const world = new SimulatedWorld(1);
  const { askedMs, attempt } = flaky(world, 9);
  const outcome = outcomeOf(new RetryPolicy(config, world.createRuntime('a')).run(attempt, always));
  await world.runUntilIdle();
  expect(askedMs).toHaveLength(4);
  expect(outcome.error).toMatchObject({ message: 'failure 4' });
});

test('what is not worth another attempt fails at once', async () => {
  const world = new SimulatedWorld(1);
  const { askedMs, attempt } = flaky(world, 9);
  const outcome = outcomeOf(
    new RetryPolicy(config, world.createRuntime('a')).run(attempt, {
      mayRetry: (error) => (error as Error).message !== 'failure 2',
    }),
  );
  await world.runUntilIdle();
  expect(askedMs).toEqual([0, 100]);
  expect(outcome.error).toMatchObject({ message: 'failure 2' });
});

test('a pause ends at once with the caller’s signal, and leaves no timer behind', async () => {
  const world = new SimulatedWorld(1);
  const { askedMs, attempt } = flaky(world, 9);
  const controller = new AbortController();
  const outcome = outcomeOf(
    new RetryPolicy(config, world.createRuntime('a')).run(attempt, { ...always, signal: controller.signal }),
  );
  await world.advance(50);
  controller.abort();
  await world.advance(0);
  expect(outcome.error).toMatchObject({ message: 'failure 1' });
  await world.advance(1_000);
  expect(askedMs).toEqual([0]);
});

test('no pause is begun that would outlast the call’s time', async () => {
  const world = new SimulatedWorld(1);
  const { askedMs, attempt } = flaky(world, 9);
  const outcome = outcomeOf(new RetryPolicy(config, world.createRuntime('a')).run(attempt, { ...always, endMs: 240 }));
  await world.advance(150);
  expect(outcome.error).toMatchObject({ message: 'failure 2' });
  expect(askedMs).toEqual([0, 100]);
});

test('chance varies pauses by the jitter, both ways', () => {
  const world = new SimulatedWorld(1);
  const runtime = { ...world.createRuntime('a'), random: createSeededRandom(7) };
  const policy = new RetryPolicy({ ...config, jitter: 0.1 }, runtime);
  const pauses = Array.from({ length: 200 }, () => policy.pauseMs(0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(90);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(110);
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(15);
});

test('every field of a retry policy is judged', () => {
  const wrong = { maxRetries: -1, initialIntervalMs: 50, maxIntervalMs: 20, multiplier: 0.5, jitter: 2 };
  expect(retryViolations(wrong).map((line) => line.split(':')[0])).toEqual([
    'maxRetries',
    'multiplier',
    'jitter',
    'maxIntervalMs',
  ]);
  expect(retryViolations({ ...config, initialIntervalMs: 0 })).toHaveLength(1);
  expect(retryViolations({ ...config, maxRetries: 0 })).toEqual([]);
});
