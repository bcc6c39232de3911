import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import type { WriteOutcome } from '../../src/load/loader.ts';
import { RecordWriter } from '../../src/load/record-writer.ts';

const config = { patienceMs: 1_000, minPauseMs: 50, maxPauseMs: 200 };

function writerOver(attempts: (attempt: number, nowMs: number) => void) {
  const world = new SimulatedWorld(1);
  const { clock, timers } = world.createRuntime('loader');
  const interrupt = new AbortController();
  const times: number[] = [];
  const writer = new RecordWriter({
    put: async () => {
      times.push(world.nowMs);
      attempts(times.length, world.nowMs);
    },
    classify: (error) =>
      (error as Error).message === 'too large' ? { type: 'refused', reason: 'too large' } : { type: 'retry' },
    clock,
    timers,
    config,
    interrupt: interrupt.signal,
  });
  const write = (): { outcome: WriteOutcome | undefined } => {
    const result: { outcome: WriteOutcome | undefined } = { outcome: undefined };
    void writer.write(Buffer.from('key'), Buffer.from('value')).then((outcome) => {
      result.outcome = outcome;
    });
    return result;
  };
  return { world, writer, write, times, interrupt };
}

test('tries again, ever more slowly, until the record is acknowledged', async () => {
  const bench = writerOver((attempt) => {
    if (attempt <= 5) throw new Error('not leader');
  });
  const result = bench.write();
  await bench.world.advance(400);
  expect(bench.writer.waiting).toBe(1);
  await bench.world.advance(600);
  expect(result.outcome).toEqual({ type: 'written' });
  expect(bench.times).toEqual([0, 50, 150, 350, 550, 750]);
  expect(bench.writer.waiting).toBe(0);
});

test('does not repeat what is refused for good', async () => {
  const bench = writerOver(() => {
    throw new Error('too large');
  });
  const result = bench.write();
  await bench.world.advance(1_000);
  expect(result.outcome).toEqual({ type: 'refused', reason: 'too large' });
  expect(bench.times).toHaveLength(1);
});

test('gives up after its patience', async () => {
  const bench = writerOver(() => {
    throw new Error('nobody there');
  });
  const result = bench.write();
  await bench.world.advance(5_000);
  expect(result.outcome).toMatchObject({ type: 'gaveUp', cause: { message: 'nobody there' } });
  expect(bench.times.at(-1)).toBeGreaterThanOrEqual(1_000);
});

test('stays patient while other records are acknowledged', async () => {
  let isStuck = true;
  const bench = writerOver((attempt) => {
    if (isStuck && attempt % 2 === 1) throw new Error('stuck');
  });
  const result = bench.write();
  for (let round = 0; round < 10; round += 1) {
    await bench.world.advance(150);
    bench.write();
  }
  expect(bench.world.nowMs).toBe(1_500);
  isStuck = false;
  await bench.world.advance(400);
  expect(result.outcome).toEqual({ type: 'written' });
});

test('gives up at once when it is interrupted while it waits', async () => {
  const bench = writerOver(() => {
    throw new Error('not leader');
  });
  const result = bench.write();
  await bench.world.advance(60);
  bench.interrupt.abort();
  await bench.world.advance(0);
  expect(result.outcome).toMatchObject({ type: 'gaveUp' });
});
