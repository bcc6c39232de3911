import { describe, expect, it } from 'vitest';
import { checkFencing, checkWatch, type FencingEvent, type Verdict, type WatchChange } from '../../src/index.ts';

function messageOf(verdict: Verdict): string {
  return verdict.outcome === 'violated' ? verdict.violation.message : verdict.outcome;
}

describe('checkFencing', () => {
  const event = (type: FencingEvent['type'], token: bigint, lock = 'l'): FencingEvent => ({ type, lock, token });

  it.each<[string, readonly FencingEvent[], string]>([
    [
      'accepts holders in turn',
      [event('granted', 1n), event('accepted', 1n), event('granted', 2n), event('accepted', 2n)],
      'valid',
    ],
    [
      'accepts a former holder before the new one shows',
      [event('granted', 1n), event('granted', 2n), event('accepted', 1n)],
      'valid',
    ],
    [
      'accepts a stale token that is refused',
      [event('granted', 1n), event('granted', 2n), event('accepted', 2n), event('refused', 1n)],
      'valid',
    ],
    [
      'accepts equal tokens of two locks',
      [event('granted', 1n), event('granted', 1n, 'm'), event('accepted', 1n, 'm')],
      'valid',
    ],
    [
      'convicts a stale token that is accepted',
      [event('granted', 1n), event('granted', 2n), event('accepted', 2n), event('accepted', 1n)],
      'lock "l": token 1 is accepted after 2',
    ],
    [
      'convicts a token granted twice',
      [event('granted', 1n), event('granted', 1n)],
      'lock "l": token 1 is granted after 1',
    ],
    [
      'convicts tokens that go back',
      [event('granted', 2n), event('granted', 1n)],
      'lock "l": token 1 is granted after 2',
    ],
    [
      'convicts a token never granted',
      [event('accepted', 3n)],
      'lock "l": token 3 is accepted, which was never granted',
    ],
  ])('%s', (_, events, message) => {
    expect(messageOf(checkFencing(events))).toBe(message);
  });
});

describe('checkWatch', () => {
  const change = (revision: number, key: string): WatchChange => ({ revision, key });
  const committed = [change(1, 'a'), change(2, 'a'), change(2, 'b'), change(4, 'a')];
  const two = [change(2, 'a'), change(2, 'b')];

  it.each<[string, readonly (readonly WatchChange[])[], string]>([
    ['accepts everything', [[change(1, 'a')], two, [change(4, 'a')]], 'valid'],
    ['accepts several revisions in a batch', [[change(1, 'a'), ...two], [change(4, 'a')]], 'valid'],
    ['accepts what ends after the bookmark', [[change(1, 'a')], two], 'valid'],
    [
      'convicts a gap',
      [[change(1, 'a')], [change(4, 'a')]],
      'delivers revision 4 of "a" where revision 2 of "a" is due',
    ],
    [
      'convicts a change delivered twice',
      [[change(1, 'a')], [change(1, 'a')]],
      'delivers revision 1 of "a" where revision 2 of "a" is due',
    ],
    [
      'convicts revisions out of order',
      [two, [change(1, 'a')]],
      'delivers revision 2 of "a" where revision 1 of "a" is due',
    ],
    [
      'convicts a revision in parts',
      [[change(1, 'a'), change(2, 'a')], [change(2, 'b')]],
      'delivers revision 2 in parts',
    ],
    [
      'convicts an invented change',
      [[change(1, 'a')], two, [change(4, 'a')], [change(9, 'a')]],
      'delivers revision 9 of "a" where nothing is due',
    ],
    [
      'convicts a bookmark over what is missing',
      [[change(1, 'a')]],
      'is said to be complete through 3 and lacks revision 2 of "a"',
    ],
  ])('%s', (_, batches, message) => {
    const verdict = checkWatch(committed, { name: 'w', startRevision: 1, batches, completeThrough: 3 });
    expect(messageOf(verdict)).toBe(message === 'valid' ? message : `watch w: ${message}`);
  });

  it('asks for nothing before the first revision of a watch', () => {
    const watch = { name: 'w', startRevision: 3, batches: [[change(4, 'a')]], completeThrough: 4 };
    expect(checkWatch(committed, watch).outcome).toBe('valid');
    expect(checkWatch(committed, { ...watch, batches: [two] }).outcome).toBe('violated');
  });
});
