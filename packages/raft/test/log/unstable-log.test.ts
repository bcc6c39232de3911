import { describe, expect, it } from 'vitest';
import { UnstableLog } from '../../src/log/unstable-log.ts';
import { confStateOf, entry, snapshotAt } from '../cluster.ts';

function withEntries(offset: number, ...terms: number[]): UnstableLog {
  const log = new UnstableLog(offset);
  log.truncateAndAppend(terms.map((term, position) => entry(term, offset + position)));
  return log;
}

function terms(log: UnstableLog): number[] {
  return log.slice(log.offset, (log.lastIndex() ?? log.offset - 1) + 1).map(({ term }) => term);
}

describe('UnstableLog', () => {
  it('knows first and last index and terms only of what it holds', () => {
    const empty = new UnstableLog(5);
    expect([empty.firstIndex(), empty.lastIndex(), empty.term(4), empty.term(5)]).toEqual(Array(4).fill(undefined));
    const log = withEntries(5, 1, 2);
    expect([log.lastIndex(), log.term(4), log.term(5), log.term(6), log.term(7)]).toEqual([
      6,
      undefined,
      1,
      2,
      undefined,
    ]);
    log.restore(snapshotAt(9, 3, confStateOf([1])));
    expect([log.firstIndex(), log.lastIndex(), log.term(9), log.term(8), log.offset]).toEqual([
      10,
      9,
      3,
      undefined,
      10,
    ]);
  });

  it('hands out only what is beyond the mark', () => {
    const log = withEntries(5, 1, 1);
    expect([log.hasNextEntries(), log.nextIndex]).toEqual([true, 5]);
    log.acceptInProgress();
    expect([log.hasNextEntries(), log.nextIndex]).toEqual([false, 7]);
    log.truncateAndAppend([entry(1, 7)]);
    expect([log.hasNextEntries(), log.nextIndex]).toEqual([true, 7]);
  });

  it.each([
    { first: 7, after: [1, 1, 2], offset: 5, next: 6 },
    { first: 6, after: [1, 2], offset: 5, next: 6 },
    { first: 5, after: [2], offset: 5, next: 5 },
    { first: 3, after: [2], offset: 3, next: 3 },
  ])('entries appended at $first to 5..6, of which 5 is in progress, leave $after at $offset', (row) => {
    const log = withEntries(5, 1);
    log.acceptInProgress();
    log.truncateAndAppend([entry(1, 6)]);
    log.truncateAndAppend([entry(2, row.first)]);
    expect(terms(log)).toEqual(row.after);
    expect([log.offset, log.nextIndex]).toEqual([row.offset, row.next]);
  });

  it('forgets what is stable, unless another entry has taken its place', () => {
    const log = withEntries(5, 1, 1, 2);
    log.acceptInProgress();
    log.stableTo(4, 1);
    log.stableTo(6, 2);
    log.stableTo(9, 2);
    expect(terms(log)).toEqual([1, 1, 2]);
    log.stableTo(6, 1);
    expect([terms(log), log.offset, log.nextIndex]).toEqual([[2], 7, 8]);
    log.stableTo(7, 2);
    expect([log.hasEntries(), log.offset]).toEqual([false, 8]);
  });

  it('keeps a snapshot until that one is stable', () => {
    const log = new UnstableLog(1);
    log.restore(snapshotAt(9, 3, confStateOf([1])));
    expect(log.nextSnapshot()?.metadata.index).toBe(9);
    log.acceptInProgress();
    expect(log.nextSnapshot()).toBeUndefined();
    log.stableSnapshotTo(8);
    expect(log.snapshot).toBeDefined();
    log.stableSnapshotTo(9);
    expect(log.snapshot).toBeUndefined();
    log.stableSnapshotTo(9);
  });

  it('copies the entries it is given', () => {
    const given = [entry(1, 5)];
    const log = new UnstableLog(5);
    log.truncateAndAppend(given);
    given.pop();
    expect(terms(log)).toEqual([1]);
  });
});
