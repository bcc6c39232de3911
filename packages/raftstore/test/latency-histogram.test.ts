import { array, assert as check, double, property } from 'fast-check';
import { expect, it } from 'vitest';
import { LatencyHistogram, latencyBoundsMs } from '../src/latency-histogram.ts';

it('counts nothing at first', () => {
  const { count, totalMs, p50Ms, p99Ms, maxMs } = new LatencyHistogram().summary();
  expect({ count, totalMs, p50Ms, p99Ms, maxMs }).toEqual({ count: 0, totalMs: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
});

it('puts a time into the bucket whose bounds enclose it, bounds included', () => {
  for (const [index, bound] of latencyBoundsMs.entries()) {
    const histogram = new LatencyHistogram();
    histogram.record(bound);
    histogram.record(bound * 1.001);
    const { buckets } = histogram.summary();
    expect([buckets[index], buckets[index + 1]]).toEqual([1, 1]);
  }
  const extremes = new LatencyHistogram();
  for (const ms of [0, 1e-9, 1e9]) extremes.record(ms);
  expect(extremes.summary().buckets.at(0)).toBe(2);
  expect(extremes.summary().buckets.at(-1)).toBe(1);
});

it('counts a time as often as it is said to have happened', () => {
  const histogram = new LatencyHistogram();
  histogram.record(2, 3);
  expect(histogram.summary()).toMatchObject({ count: 3, totalMs: 6, maxMs: 2 });
});

it('tells percentiles to within a bucket of the real ones', () => {
  check(
    property(array(double({ min: 0.02, max: 20_000, noNaN: true }), { minLength: 1, maxLength: 200 }), (times) => {
      const histogram = new LatencyHistogram();
      for (const ms of times) histogram.record(ms);
      const sorted = [...times].sort((a, b) => a - b);
      const { p50Ms, p99Ms, maxMs } = histogram.summary();
      for (const [fraction, told] of [
        [0.5, p50Ms],
        [0.99, p99Ms],
      ] as const) {
        const real = sorted[Math.ceil(sorted.length * fraction) - 1] as number;
        expect(told).toBeGreaterThanOrEqual(real / Math.SQRT2 / 1.000_001);
        expect(told).toBeLessThanOrEqual(real * Math.SQRT2 * 1.000_001);
      }
      expect(maxMs).toBe(sorted.at(-1));
      expect(p99Ms).toBeLessThanOrEqual(maxMs);
    }),
  );
});
