import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../src/memory-storage.ts';
import { confStateOf, entry, snapshotAt } from './cluster.ts';

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append([entry(1, 1), entry(1, 2), entry(2, 3)]);
  return storage;
}

describe('MemoryStorage', () => {
  it('knows terms from before its first index to its last', () => {
    const storage = filled();
    expect([0, 1, 2, 3, 4].map((index) => storage.term(index))).toEqual([0, 1, 1, 2, 'unavailable']);
    storage.compact(2);
    expect([1, 2, 3].map((index) => storage.term(index))).toEqual(['compacted', 1, 2]);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([3, 3]);
  });

  it('gives entries within a size, the first always', () => {
    const storage = filled();
    expect(storage.entries(1, 4, 0)).toHaveLength(1);
    expect(storage.entries(1, 4, 8)).toHaveLength(2);
    expect(storage.entries(1, 4, Infinity)).toHaveLength(3);
    expect(storage.entries(1, 5, Infinity)).toBe('unavailable');
    storage.compact(1);
    expect(storage.entries(1, 3, Infinity)).toBe('compacted');
  });

  it('replaces from the first new entry on and skips what is compacted', () => {
    const storage = filled();
    storage.compact(1);
    storage.append([entry(1, 1), entry(3, 2)]);
    expect([storage.lastIndex(), storage.term(2)]).toEqual([2, 3]);
    storage.append([entry(1, 1)]);
    expect(storage.lastIndex()).toBe(2);
    expect(() => storage.append([entry(3, 4)])).toThrow('missing');
  });

  it('compacts only what it has', () => {
    const storage = filled();
    expect(storage.compact(9)).toBe('unavailable');
    expect(storage.compact(2)).toBe('done');
    expect(storage.compact(2)).toBe('compacted');
  });

  it('takes a snapshot unless it has one as recent', () => {
    const storage = filled();
    const state = confStateOf([1]);
    expect(storage.applySnapshot(snapshotAt(5, 2, state))).toBe('applied');
    expect(storage.applySnapshot(snapshotAt(5, 2, state))).toBe('outOfDate');
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(5)]).toEqual([6, 5, 2]);
    expect(storage.initialState().confState).toBe(state);
  });
});
