import type { Entry } from '@flotilla/raft';
import { describe, expect, it } from 'vitest';
import { EntryCache } from '../../src/peer/entry-cache.ts';

function entries(from: number, to: number, term: number, bytes = 10): Entry[] {
  const found: Entry[] = [];
  for (let index = from; index <= to; index += 1) {
    found.push({ type: 'normal', index, term, data: new Uint8Array(bytes) });
  }
  return found;
}

describe('EntryCache', () => {
  it('replaces what is overwritten', () => {
    const cache = new EntryCache(1_000);
    cache.append(entries(5, 9, 1));
    cache.append(entries(7, 7, 2));
    expect(cache.get(6)?.term).toBe(1);
    expect(cache.get(7)?.term).toBe(2);
    expect(cache.get(8)).toBeUndefined();
    expect(cache.byteLength).toBe(30);
  });

  it('drops the oldest first, and none whose write is under way', () => {
    const cache = new EntryCache(50);
    cache.append(entries(1, 10, 1));
    cache.trim(3);
    expect(cache.firstIndex).toBe(4);
    cache.trim(10);
    expect(cache.firstIndex).toBe(6);
    expect(cache.byteLength).toBe(50);
  });

  it('forgets what is compacted, and starts anywhere once it is empty', () => {
    const cache = new EntryCache(1_000);
    cache.append(entries(1, 10, 1));
    cache.dropThrough(4);
    expect(cache.get(4)).toBeUndefined();
    expect(cache.get(5)?.index).toBe(5);
    cache.dropThrough(Number.POSITIVE_INFINITY);
    expect(cache.byteLength).toBe(0);
    cache.append(entries(90, 91, 3));
    expect(cache.get(91)?.term).toBe(3);
    expect(() => cache.append(entries(95, 95, 3))).toThrow('no gaps');
  });
});
