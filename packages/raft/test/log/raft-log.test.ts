import { describe, expect, it } from 'vitest';
import { entriesSize } from '../../src/log/entry-size.ts';
import { RaftLog } from '../../src/log/raft-log.ts';
import { MemoryStorage } from '../../src/memory-storage.ts';
import type { Entry } from '../../src/message.ts';
import { confStateOf, entry, snapshotAt } from '../cluster.ts';

/** A log of which entries 1 to 3 are stable and 4 to 6 are not. */
function mixed(maxApplyingBytes = Number.POSITIVE_INFINITY): {
  readonly log: RaftLog;
  readonly storage: MemoryStorage;
} {
  const storage = new MemoryStorage();
  storage.append([1, 2, 3].map((index) => entry(1, index, 'abc')));
  const log = new RaftLog(storage, maxApplyingBytes);
  log.append([4, 5, 6].map((index) => entry(1, index, 'abc')));
  return { log, storage };
}

const one = entriesSize([entry(1, 1, 'abc')]);

function indexes(entries: readonly Entry[] | string): number[] | string {
  return typeof entries === 'string' ? entries : entries.map(({ index }) => index);
}

describe('RaftLog', () => {
  it.each([
    { low: 1, high: 7, max: Infinity, found: [1, 2, 3, 4, 5, 6] },
    { low: 2, high: 4, max: Infinity, found: [2, 3] },
    { low: 5, high: 7, max: Infinity, found: [5, 6] },
    { low: 5, high: 7, max: 0, found: [5] },
    { low: 1, high: 7, max: 2 * one, found: [1, 2] },
    { low: 1, high: 7, max: 3 * one, found: [1, 2, 3] },
    { low: 1, high: 7, max: 4 * one - 1, found: [1, 2, 3] },
    { low: 1, high: 7, max: 4 * one, found: [1, 2, 3, 4] },
    { low: 1, high: 7, max: 5 * one, found: [1, 2, 3, 4, 5] },
    { low: 3, high: 3, max: Infinity, found: [] },
  ])('entries [$low, $high) within $max bytes are $found', ({ low, high, max, found }) => {
    expect(indexes(mixed().log.entries(low, high, max))).toEqual(found);
  });

  it('says what is compacted, and has nothing past its end', () => {
    const { log, storage } = mixed();
    storage.compact(2);
    expect(log.entries(1, 4, Infinity)).toBe('compacted');
    expect(log.entriesFrom(7, Infinity)).toEqual([]);
    expect([log.term(1), log.term(2), log.term(7)]).toEqual(['compacted', 1, 'unavailable']);
  });

  it('asks storage again when that compacts between two questions', () => {
    class Racing extends MemoryStorage {
      override entries(): 'compacted' {
        return 'compacted';
      }
    }
    const storage = new Racing();
    storage.append([entry(1, 1), entry(1, 2)]);
    expect(new RaftLog(storage, Infinity).entries(1, 3, Infinity)).toBe('compacted');
  });

  it('stops when storage lacks what it should have', () => {
    class Broken extends MemoryStorage {
      override entries(): 'unavailable' {
        return 'unavailable';
      }
      override term(): 'unavailable' {
        return 'unavailable';
      }
    }
    const storage = new Broken();
    storage.append([entry(1, 1)]);
    const log = new RaftLog(storage, Infinity);
    expect(() => log.entries(1, 2, Infinity)).toThrow('storage lacks entries');
    expect(() => log.lastTerm()).toThrow('last term');
  });

  it('hands out one array for equal questions, and another when the log has changed', () => {
    const { log } = mixed();
    const first = log.entries(4, 7, Infinity);
    expect(log.entries(4, 7, Infinity)).toBe(first);
    log.append([entry(2, 6, 'other')]);
    expect(indexes(first)).toEqual([4, 5, 6]);
    expect((first as readonly Entry[])[2]!.term).toBe(1);
    expect((log.entries(4, 7, Infinity) as readonly Entry[])[2]!.term).toBe(2);
  });

  it('finds the last place where a log of another leader may agree', () => {
    const storage = new MemoryStorage();
    storage.append([1, 2, 2, 5, 5].map((term, position) => entry(term, position + 1)));
    const log = new RaftLog(storage, Infinity);
    expect(log.findConflictByTerm(5, 5)).toEqual({ index: 5, term: 5 });
    expect(log.findConflictByTerm(5, 4)).toEqual({ index: 3, term: 2 });
    expect(log.findConflictByTerm(5, 0)).toEqual({ index: 0, term: 0 });
    expect(log.findConflictByTerm(9, 5)).toEqual({ index: 9, term: 0 });
    storage.compact(3);
    expect(log.findConflictByTerm(4, 1)).toEqual({ index: 2, term: 0 });
  });

  it('hands out committed entries within the limit, one at least, and goes on when they are applied', () => {
    const { log } = mixed(2 * one);
    log.commitTo(6);
    const first = log.nextCommitted(true);
    expect(indexes(first)).toEqual([1, 2]);
    log.acceptCommitted(first, true);
    expect(log.hasNextCommitted(true)).toBe(false);
    expect(log.nextCommitted(true)).toEqual([]);
    log.appliedTo(1, one);
    expect(indexes(log.nextCommitted(true))).toEqual([3]);
    log.acceptCommitted(log.nextCommitted(true), true);
    expect([log.applied, log.applying]).toEqual([1, 3]);
  });

  it('hands out what is not stable only when allowed', () => {
    const { log } = mixed();
    log.commitTo(5);
    expect(indexes(log.nextCommitted(false))).toEqual([1, 2, 3]);
    expect(indexes(log.nextCommitted(true))).toEqual([1, 2, 3, 4, 5]);
    log.stableTo(4, 1);
    expect(log.hasUnstableEntries()).toBe(true);
  });

  it('stops rather than replace a committed entry, or apply one that is not', () => {
    const { log } = mixed();
    log.commitTo(4);
    expect(() => log.append([entry(2, 4)])).toThrow('committed entry');
    expect(() => log.appliedTo(5, 0)).toThrow('out of bounds');
    log.appliedTo(3, 0);
    expect(() => log.appliedTo(2, 0)).toThrow('out of bounds');
    log.commitTo(2);
    expect(log.committed).toBe(4);
    expect(log.append([])).toBe(6);
  });

  it('begins anew with a snapshot', () => {
    const { log } = mixed();
    log.restore(snapshotAt(20, 3, confStateOf([1])));
    expect([log.firstIndex(), log.lastIndex(), log.lastTerm(), log.committed]).toEqual([21, 20, 3, 20]);
    expect(log.snapshot()?.metadata.index).toBe(20);
    expect(log.isUpToDate(20, 3)).toBe(true);
    expect(log.isUpToDate(19, 3)).toBe(false);
  });
});
