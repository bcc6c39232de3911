import { describe, expect, it } from 'vitest';
import { SplitKeyFinder } from '../../src/split-check-worker/split-key-finder.ts';

/** The positions of the pairs that begin a new part, of pairs of these sizes. */
function find(sizes: readonly number[], maxBytes: number, splitBytes: number, maxSplitKeys = 10): number[] {
  const finder = new SplitKeyFinder({ maxBytes, splitBytes, maxSplitKeys });
  for (const [position, bytes] of sizes.entries()) {
    finder.add({ key: Buffer.from([position]), value: Buffer.alloc(bytes - 1) });
    if (finder.isDone) break;
  }
  return finder.finish().map((key) => key[0] ?? -1);
}

const pairs = (count: number, bytes = 10): number[] => new Array<number>(count).fill(bytes);

describe('the keys at which a region is split', () => {
  it('are none below the limit', () => {
    expect(find([], 150, 100)).toEqual([]);
    expect(find(pairs(14), 150, 100)).toEqual([]);
  });

  it('fill each part but the last, which is not made too small', () => {
    expect(find(pairs(15), 150, 100)).toEqual([10]);
    expect(find(pairs(24), 150, 100)).toEqual([10]);
    expect(find(pairs(25), 150, 100)).toEqual([10, 20]);
  });

  it('leave a pair that is larger than a part alone in one', () => {
    expect(find([10, 500, 10, 10], 150, 100)).toEqual([1]);
    expect(find([500], 150, 100)).toEqual([]);
    expect(find([500, 500], 150, 100)).toEqual([1]);
  });

  it('are as many as may be asked for at most, and looking ends there', () => {
    expect(find(pairs(100), 150, 100, 3)).toEqual([10, 20, 30]);
    expect(find(pairs(34), 150, 100, 3)).toEqual([10, 20]);
  });

  it('never make a part that is empty, or larger than it may be, of pairs of any size below a part', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const sizes = Array.from({ length: seed }, (_, number) => 1 + ((number * 7919 + seed * 104_729) % 60));
      const found = find(sizes, 150, 100, 1_000);
      const starts = [0, ...found];
      const parts = starts.map((start, number) =>
        sizes.slice(start, starts[number + 1]).reduce((sum, one) => sum + one, 0),
      );
      for (const part of parts.slice(0, -1)) expect(part).toBeLessThanOrEqual(100);
      expect(parts.at(-1)).toBeLessThan(150);
      expect(Math.min(...parts)).toBeGreaterThan(0);
    }
  });
});
