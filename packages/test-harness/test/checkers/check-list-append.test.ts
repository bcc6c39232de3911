import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkListAppend, describeVerdict, type Operation } from '../../src/index.ts';
import { append, failed, ok, read, unknown } from './call.ts';
import { hasOrder, listModel } from './every-order.ts';
import { listExecutions, mutateGrowth } from './growing-execution.ts';

const good: Readonly<Record<string, readonly Operation[]>> = {
  'an empty history': [],
  'appends that nobody reads': [ok(0, 1, append(1)), ok(2, 3, append(2))],
  'appends at once, in either order': [ok(0, 3, append(1)), ok(1, 2, append(2)), ok(4, 5, read(2, 1))],
  'reads at once, newer first': [ok(0, 9, append(1)), ok(1, 8, read(1)), ok(2, 7, read())],
  'an unknown append that shows late': [
    unknown(0, append(1)),
    ok(1, 2, append(2)),
    ok(3, 4, read(2)),
    ok(5, 6, read(2, 1)),
  ],
  'an unknown append that never shows': [unknown(0, append(1)), ok(1, 2, read()), ok(3, 4, read())],
  'a failed append that does not show': [failed(0, 1, append(1)), ok(2, 3, read())],
  'an unknown read': [ok(0, 1, append(1)), unknown(2, read())],
  'two lists with the same elements': [ok(0, 1, append(1)), ok(2, 3, { ...append(1), key: 'y' }), ok(4, 5, read(1))],
};

const bad: Readonly<Record<string, readonly [string, readonly Operation[]]>> = {
  'a lost element': ['a read lacks an acknowledged element', [ok(0, 1, append(1)), ok(2, 3, read())]],
  'an element lost before others': [
    '2 comes before an element whose append had returned, or which is lost',
    [ok(0, 1, append(1)), ok(2, 3, append(2)), ok(2.5, 4, read(2))],
  ],
  'a duplicated element': ['1 is there twice', [ok(0, 1, append(1)), ok(2, 3, read(1, 1))]],
  'a phantom element': ['7 was never appended', [ok(0, 1, append(1)), ok(2, 3, read(1, 7))]],
  'a failed append that shows': ['1 shows though its append failed', [failed(0, 1, append(1)), ok(2, 3, read(1))]],
  'appends reordered': [
    '1 comes before an element whose append had returned, or which is lost',
    [ok(0, 1, append(2)), ok(2, 3, append(1)), ok(4, 5, read(1, 2))],
  ],
  'reads that disagree': [
    'two reads disagree on element 0',
    [ok(0, 9, append(1)), ok(1, 8, append(2)), ok(10, 11, read(1)), ok(12, 13, read(2, 1))],
  ],
  'a stale read': ['a read is older than one before it', [ok(0, 20, append(1)), ok(1, 2, read(1)), ok(3, 4, read())]],
  'a read from the future': ['1 was read before it was appended', [ok(0, 1, read(1)), ok(2, 3, append(1))]],
  'an unknown append that comes undone': [
    'a read is older than one before it',
    [unknown(0, append(1)), ok(1, 2, read(1)), ok(3, 4, read())],
  ],
};

describe('checkListAppend', () => {
  it.each(Object.entries(good))('accepts %s', (_, operations) => {
    expect(describeVerdict(checkListAppend(operations))).toBe('list-append: valid');
  });

  it.each(Object.entries(bad))('convicts %s', (_, [message, operations]) => {
    const verdict = checkListAppend(operations);
    expect(describeVerdict(verdict).split('\n')[0]).toBe(`list-append: violated: key "x": ${message}`);
    expect(hasOrder(operations, listModel, [])).toBe(false);
  });

  it('does not judge elements that it cannot tell apart', () => {
    expect(checkListAppend([ok(0, 1, append(1)), ok(2, 3, append(1))]).outcome).toBe('undecided');
  });

  it('refuses what is no operation of a list', () => {
    expect(() => checkListAppend([ok(0, 1, { op: 'put' })])).toThrow('line 1: op must be one of append, read');
    expect(() => checkListAppend([ok(2, 3, { op: 'read', output: 'a' })])).toThrow('line 3: read answers a list');
  });

  it('accepts what a real list did', () => {
    fc.assert(
      fc.property(listExecutions(100), (operations) => {
        expect(describeVerdict(checkListAppend(operations))).toBe('list-append: valid');
      }),
    );
  });

  it('agrees with the search of all orders, on what is right and on what is not', () => {
    let convicted = 0;
    fc.assert(
      fc.property(listExecutions(6), fc.nat(), fc.nat(3), fc.nat(6), (operations, at, how, where) => {
        const changed = mutateGrowth(operations, at, how, where);
        const isRight = hasOrder(changed, listModel, []);
        if (!isRight) convicted += 1;
        expect(checkListAppend(changed).outcome).toBe(isRight ? 'valid' : 'violated');
      }),
      { numRuns: 5_000, seed: 1 },
    );
    expect(convicted).toBeGreaterThan(500);
  });
});
