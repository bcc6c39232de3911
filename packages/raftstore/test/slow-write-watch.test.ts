import { createMemoryLogger, SimulatedClock } from '@flotilla/runtime';
import { beforeEach, expect, it } from 'vitest';
import { StoreMetrics } from '../src/metrics.ts';
import { SlowWriteWatch } from '../src/slow-write-watch.ts';

let nowMs: number;
let logger: ReturnType<typeof createMemoryLogger>;
let metrics: StoreMetrics;
let watch: SlowWriteWatch;
beforeEach(() => {
  nowMs = 0;
  logger = createMemoryLogger();
  metrics = new StoreMetrics();
  const clock = new SimulatedClock(() => nowMs);
  const config = { slowWriteMs: 100, slowWriteWarningIntervalMs: 1_000 };
  watch = new SlowWriteWatch({ database: 'raft', config, clock, logger, metrics });
});

function write(ms: number): void {
  watch.begin();
  nowMs += ms;
  expect(watch.end()).toBe(ms);
}

it('says nothing of writes that are quick enough', () => {
  for (let count = 0; count < 10; count += 1) write(100);
  watch.check();
  expect(logger.lines).toEqual([]);
  expect(metrics.slowWrites).toBe(0);
});

it('warns once in an interval, and counts what it did not tell', () => {
  write(150);
  write(200);
  write(300);
  expect(logger.messages('warn')).toHaveLength(1);
  expect(logger.lines[0]?.fields).toMatchObject({ database: 'raft', ms: 150, slowWrites: 1 });
  nowMs += 1_000;
  write(101);
  expect(logger.lines[1]?.fields).toMatchObject({ ms: 101, slowWrites: 3 });
  expect(metrics.slowWrites).toBe(4);
});

it('warns while a write hangs, again with each interval, and counts it once', () => {
  watch.begin();
  for (let tick = 0; tick < 25; tick += 1) {
    nowMs += 100;
    watch.check();
  }
  expect(logger.messages('warn')).toEqual(['a write does not end', 'a write does not end', 'a write does not end']);
  expect(logger.lines.map(({ fields }) => fields['ms'])).toEqual([200, 1_200, 2_200]);
  expect(metrics.slowWrites).toBe(1);
  watch.end();
  expect(metrics.slowWrites).toBe(1);
});
