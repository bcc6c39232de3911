import { expect, test } from 'vitest';
import { grouped, ProgressRate, type ProgressSample, progressLine, shortDuration } from '../../src/load/progress.ts';

function sample(atMs: number, records: number, rest: Partial<ProgressSample> = {}): ProgressSample {
  return { atMs, records, bytes: records * 10, totalBytes: 10_000_000, skipped: 0, waiting: 0, ...rest };
}

test('shows a bar, the rate of the last seconds and the time left', () => {
  const rate = new ProgressRate();
  rate.add(sample(0, 0));
  for (let second = 1; second <= 20; second += 1) rate.add(sample(second * 1_000, second * 12_500));
  const last = sample(20_000, 250_000);
  expect(progressLine(last, rate, 100)).toBe(
    '━━━━━━━━──────────────────────  25 %  250,000 records  12,500/s  1 min 00 s left',
  );
  expect(progressLine(last, rate, 40)).toHaveLength(40);
  expect(progressLine({ ...last, totalBytes: undefined }, rate, 100)).toBe('250,000 records  12,500/s');
});

test('shows a stall within seconds', () => {
  const rate = new ProgressRate();
  rate.add(sample(0, 0));
  for (let second = 1; second <= 10; second += 1) rate.add(sample(second * 1_000, second * 1_000));
  for (let second = 11; second <= 16; second += 1) rate.add(sample(second * 1_000, 10_000));
  const line = progressLine(sample(16_000, 10_000, { waiting: 256, skipped: 2 }), rate, 120);
  expect(line).toContain('  0/s  2 skipped  waiting for the cluster (256 to retry)');
  expect(line).not.toContain('left');
});

test('groups thousands and words durations', () => {
  expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([0.4, 59.4, 60, 3_599, 3_600, 90_061].map(shortDuration)).toEqual([
    '0 s',
    '59 s',
    '1 min 00 s',
    '59 min 59 s',
    '1 h 00 min',
    '25 h 01 min',
  ]);
});
