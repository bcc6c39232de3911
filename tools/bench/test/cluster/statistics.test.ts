import { expect, it } from 'vitest';
import { median, percentile, Samples } from '../../src/cluster/statistics.ts';

it('percentiles are by nearest rank', () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0, 0.5, 0.99, 1].map((fraction) => percentile(sorted, fraction))).toEqual([1, 50, 99, 100]);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBe(0);
});

it('the median of an even number of values is between the middle two, in whatever order they come', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 2, 4, 1])).toBe(3);
  expect(median([])).toBe(0);
});

it('samples are kept past the room they began with', () => {
  const samples = new Samples();
  for (let value = 10_000; value > 0; value -= 1) samples.add(value);
  expect(samples.count).toBe(10_000);
  expect([samples.sorted()[0], samples.sorted()[9_999]]).toEqual([1, 10_000]);
});
