import { describe, expect, it } from 'vitest';
import { checkRegister, describeVerdict, isPassed, type Operation } from '../../src/index.ts';
import { cas, failed, get, ok, put, remove, unknown } from './call.ts';

const good: Readonly<Record<string, readonly Operation[]>> = {
  'an empty history': [],
  'a read of an absent key': [ok(0, 1, get(null))],
  'a read beside the write it sees': [ok(0, 3, put('a')), ok(1, 2, get('a'))],
  'a read beside the write it does not see': [ok(0, 3, put('a')), ok(1, 2, get(null))],
  'two writes at once, read in either order': [ok(0, 5, put('a')), ok(1, 4, put('b')), ok(6, 7, get('a'))],
  'two reads beside a write, old then new': [ok(0, 9, put('a')), ok(1, 2, get(null)), ok(3, 4, get('a'))],
  'an unknown write that shows late': [
    unknown(0, put('a')),
    ok(1, 2, get(null)),
    ok(3, 4, put('b')),
    ok(5, 6, get('a')),
  ],
  'an unknown write that never shows': [unknown(0, put('a')), ok(1, 2, get(null)), ok(3, 4, get(null))],
  'an unknown read': [ok(0, 1, put('a')), unknown(2, get('z'))],
  'an unknown cas that took effect': [ok(0, 1, put('a')), unknown(2, cas('a', 'b')), ok(3, 4, get('b'))],
  'an unknown delete that took effect': [ok(0, 1, put('a')), unknown(2, remove), ok(3, 4, get(null))],
  'a failed write that does not show': [ok(0, 1, put('a')), failed(2, 3, put('b')), ok(4, 5, get('a'))],
  'a refused cas': [ok(0, 1, put('a')), ok(2, 3, cas('b', 'c', false)), ok(4, 5, get('a'))],
  'a refusal that only an unknown write explains': [
    ok(0, 1, put('a')),
    unknown(2, put('b')),
    ok(3, 4, cas('a', 'c', false)),
  ],
  'a chain of cas at once': [
    ok(0, 9, cas('b', 'c')),
    ok(1, 8, cas('a', 'b')),
    ok(2, 7, put('a')),
    ok(10, 11, get('c')),
  ],
  'the same value written twice': [
    ok(0, 1, put('a')),
    ok(2, 3, put('b')),
    ok(4, 5, get('b')),
    ok(6, 7, put('a')),
    ok(8, 9, get('a')),
  ],
  'values that are JSON': [ok(0, 1, put({ n: [1] })), ok(2, 3, get({ n: [1] }))],
  'two keys that would not do as one': [ok(0, 1, { ...put('a'), key: 'y' }), ok(2, 3, get(null))],
};

const bad: Readonly<Record<string, readonly Operation[]>> = {
  'a stale read': [ok(0, 1, put('a')), ok(2, 3, put('b')), ok(4, 5, get('a'))],
  'a lost write': [ok(0, 1, put('a')), ok(2, 3, get(null))],
  'a phantom value': [ok(0, 1, get('a'))],
  'a value from the future': [ok(0, 1, get('a')), ok(2, 3, put('a'))],
  'a failed write that shows': [failed(0, 1, put('a')), ok(2, 3, get('a'))],
  'a failed cas that shows': [ok(0, 1, put('a')), failed(2, 3, cas('a', 'b')), ok(4, 5, get('b'))],
  'an unknown write that flips': [ok(0, 1, put('a')), unknown(2, put('b')), ok(3, 4, get('b')), ok(5, 6, get('a'))],
  'an unknown write that takes effect twice': [
    unknown(0, put('a')),
    ok(1, 2, get('a')),
    ok(3, 4, put('b')),
    ok(5, 6, get('a')),
  ],
  'an unknown write that shows before it was called': [ok(0, 1, get('a')), unknown(2, put('a'))],
  'reads beside a write, new then old': [ok(0, 9, put('a')), ok(1, 2, get('a')), ok(3, 4, get(null))],
  'two readers that disagree on the order': [
    ok(0, 20, put('a')),
    ok(1, 19, put('b')),
    ok(2, 3, get('a')),
    ok(4, 5, get('b')),
    ok(6, 7, get('a')),
  ],
  'a lost update: two cas from one value': [ok(0, 1, put('a')), ok(2, 5, cas('a', 'b')), ok(3, 4, cas('a', 'c'))],
  'a cas that replaced what was not there': [ok(0, 1, put('a')), ok(2, 3, cas('b', 'c'))],
  'a cas refused without cause': [ok(0, 1, put('a')), ok(2, 3, cas('a', 'b', false))],
  'a refused cas that shows': [ok(0, 1, put('a')), ok(2, 3, cas('z', 'b', false)), ok(4, 5, get('b'))],
  'a delete that comes undone': [ok(0, 1, put('a')), ok(2, 3, remove), ok(4, 5, get('a'))],
  'a write gone without a delete': [ok(0, 1, put('a')), ok(2, 3, get('a')), ok(4, 5, get(null))],
  'one bad key among good ones': [
    ok(0, 1, { ...put('a'), key: 'y' }),
    ok(2, 3, { ...get(null), key: 'y' }),
    ok(4, 5, get(null)),
  ],
};

describe('checkRegister', () => {
  it.each(Object.entries(good))('accepts %s', (_, operations) => {
    expect(describeVerdict(checkRegister(operations))).toBe('register: valid');
  });

  it.each(Object.entries(bad))('convicts %s', (_, operations) => {
    const verdict = checkRegister(operations);
    expect(verdict.outcome).toBe('violated');
    expect(isPassed(verdict)).toBe(false);
  });

  it('shows the origin of a stale value, what replaced it, and what could be read', () => {
    const noise = Array.from({ length: 50 }, (_, index) => ok(2 * index, 2 * index + 1, put(index)));
    const history = [
      ...noise,
      ok(100, 101, put('a')),
      ok(102, 103, put('b')),
      ok(104, 105, get('a')),
      ok(106, 107, get('b')),
    ];
    expect(describeVerdict(checkRegister(history)).split('\n')).toEqual([
      'register: violated: key "x": no order explains the get that returned at 105; before it the key could hold "b"',
      '  process 98: put "x" 49 → ok [98, 99]',
      '  process 100: put "x" "a" → ok [100, 101]',
      '  process 102: put "x" "b" → ok [102, 103]',
      '  process 104: get "x" → ok "a" [104, 105]',
    ]);
  });

  it('fails a key that it cannot decide, and still convicts another', () => {
    const writes = Array.from({ length: 12 }, (_, index) => ok(index, 100 + index, put(index)));
    const undecided = checkRegister([...writes, ok(200, 201, get('none'))], { maxStepsPerKey: 50 });
    expect(undecided).toMatchObject({ outcome: 'undecided', reason: 'key "x" is not decided within 50 steps' });
    expect(isPassed(undecided)).toBe(false);
    const other = ok(300, 301, { ...get('none'), key: 'y' });
    expect(checkRegister([...writes, other], { maxStepsPerKey: 50 }).outcome).toBe('violated');
  });

  it.each([
    ['a name it does not know', { op: 'increment' }, 'op must be one of get, put, delete, cas'],
    ['a cas without a pair', { op: 'cas', input: 'a', output: true }, 'cas takes [expected, replacement]'],
    ['a cas without an answer', { op: 'cas', input: ['a', 'b'] }, 'cas answers true or false'],
  ])('refuses %s', (_, call, message) => {
    expect(() => checkRegister([ok(6, 7, call)])).toThrow(`line 7: ${message}`);
  });

  it('needs work in proportion to the history when few calls overlap', () => {
    const stepsOf = (count: number): number => {
      const history = Array.from({ length: count }, (_, index) =>
        ok(10 * index, 10 * index + 25, index % 2 === 0 ? put(index) : get(index - 1)),
      );
      const verdict = checkRegister(history);
      expect(verdict.outcome).toBe('valid');
      return verdict.steps;
    };
    expect(stepsOf(20_000)).toBeLessThan(stepsOf(2_000) * 10.5);
    expect(stepsOf(2_000)).toBeLessThan(2_000 * 10);
  });

  it('is not slowed down by unknown writes without end', () => {
    const history = Array.from({ length: 2_000 }, (_, index) => [
      unknown(10 * index, put(`unknown ${index % 50}`)),
      ok(10 * index + 1, 10 * index + 2, put(index)),
      ok(10 * index + 3, 10 * index + 4, get(index % 7 === 0 ? `unknown ${index % 50}` : index)),
    ]).flat();
    const verdict = checkRegister(history);
    expect(verdict.outcome).toBe('valid');
    expect(verdict.steps).toBeLessThan(1_000_000);
  });
});
