import { expect, it } from 'vitest';
import { unavailability } from '../src/judge/unavailability.ts';

const window = (fromMs: number, toMs: number, label = 'kill-node') => ({ label, fromMs, toMs });

it('is the longest gap between acknowledged writes during a fault', () => {
  expect(unavailability([window(100, 200)], [50, 90, 110, 120, 170, 190, 300])).toEqual([
    { label: 'kill-node', faults: 1, longestMs: 50 },
  ]);
});

it.each([
  ['before the first write', [150, 190], 50],
  ['behind the last one', [110, 130], 70],
  ['without any', [], 100],
  ['with writes only outside', [10, 20, 99, 100, 200, 201], 100],
])('counts the edges of the fault as writes: %s', (_, acked, longestMs) => {
  expect(unavailability([window(100, 200)], acked)[0]?.longestMs).toBe(longestMs);
});

it('is told by label, worst first', () => {
  const windows = [window(0, 10, 'a'), window(100, 140, 'b'), window(200, 230, 'a')];
  expect(unavailability(windows, [])).toEqual([
    { label: 'b', faults: 1, longestMs: 40 },
    { label: 'a', faults: 2, longestMs: 30 },
  ]);
});

it('says nothing of no faults', () => {
  expect(unavailability([], [1, 2, 3])).toEqual([]);
});
