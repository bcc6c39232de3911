import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFinalValues, checkRegister, describeVerdict, type Json, type Operation } from '../../src/index.ts';
import { cas, failed, get, ok, put, remove, unknown } from './call.ts';
import { executions } from './register-execution.ts';

const final = (value: Json): ReadonlyMap<string, Json> => new Map(value === null ? [] : [['x', value]]);

const good: Readonly<Record<string, readonly [Json, readonly Operation[]]>> = {
  'a key that nobody wrote': [null, [ok(0, 1, get(null))]],
  'the last write': ['b', [ok(0, 1, put('a')), ok(2, 3, put('b'))]],
  'either of two writes at once': ['a', [ok(0, 3, put('a')), ok(1, 2, put('b'))]],
  'a write that was under way for long': ['a', [ok(0, 9, put('a')), ok(1, 2, put('b')), ok(3, 4, put('c'))]],
  'an unknown write that took effect late': ['a', [unknown(0, put('a')), ok(1, 2, put('b'))]],
  'an unknown write that never did': ['b', [unknown(0, put('a')), ok(1, 2, put('b'))]],
  'a delete': [null, [ok(0, 1, put('a')), ok(2, 3, remove)]],
  'an unknown delete': [null, [ok(0, 1, put('a')), unknown(2, remove)]],
  'a cas': ['b', [ok(0, 1, put('a')), ok(2, 3, cas('a', 'b'))]],
  'a refused cas': ['a', [ok(0, 1, put('a')), ok(2, 3, cas('z', 'b', false))]],
};

const bad: Readonly<Record<string, readonly [Json, readonly Operation[]]>> = {
  'a lost write': [null, [ok(0, 1, put('a'))]],
  'a lost overwrite': ['a', [ok(0, 1, put('a')), ok(2, 3, put('b'))]],
  'a lost delete': ['a', [ok(0, 1, put('a')), ok(2, 3, remove)]],
  'a lost cas': ['a', [ok(0, 1, put('a')), ok(2, 3, cas('a', 'b'))]],
  'an unknown write undone by a lost one': ['a', [ok(0, 1, put('a')), unknown(2, put('b')), ok(4, 5, put('c'))]],
  'a failed write that shows': ['b', [ok(0, 1, put('a')), failed(2, 3, put('b'))]],
  'a value that nobody wrote': ['z', [ok(0, 1, get(null))]],
};

describe('checkFinalValues', () => {
  it.each(Object.entries(good))('accepts %s', (_, [value, operations]) => {
    expect(describeVerdict(checkFinalValues(operations, final(value)))).toBe('final values: valid');
  });

  it.each(Object.entries(bad))('convicts %s', (_, [value, operations]) => {
    expect(checkFinalValues(operations, final(value)).outcome).toBe('violated');
  });

  it('shows the origin of what is there and the write that is lost', () => {
    const history = [ok(0, 1, put('a')), ok(2, 3, put('b'))];
    expect(describeVerdict(checkFinalValues(history, final('a'))).split('\n')).toEqual([
      'final values: violated: key "x" ends as "a": an acknowledged write is lost',
      '  process 0: put "x" "a" → ok [0, 1]',
      '  process 2: put "x" "b" → ok [2, 3]',
    ]);
  });

  it('convicts a key that no operation names', () => {
    expect(checkFinalValues([], final('a'))).toMatchObject({
      violation: { message: 'key "x" ends as "a", which nobody wrote' },
    });
  });

  it('never convicts what a final read in the history would not', () => {
    let convicted = 0;
    fc.assert(
      fc.property(executions(12), fc.constantFrom('a', 'b', 'c', 'd', null), (operations, value) => {
        const withRead = [...operations, ok(1_000, 1_001, get(value))];
        if (checkFinalValues(operations, final(value)).outcome === 'valid') return;
        convicted += 1;
        expect(checkRegister(withRead).outcome).toBe('violated');
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(convicted).toBeGreaterThan(200);
  });
});
