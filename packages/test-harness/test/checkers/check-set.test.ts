import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSet, describeVerdict, type Operation } from '../../src/index.ts';
import { add, failed, ok, read, unknown } from './call.ts';
import { hasOrder, setModel } from './every-order.ts';
import { listExecutions, mutateGrowth } from './growing-execution.ts';

const good: Readonly<Record<string, readonly Operation[]>> = {
  'an empty set': [ok(0, 1, read())],
  'elements in any order': [ok(0, 1, add(1)), ok(2, 3, add(2)), ok(4, 5, read(2, 1))],
  'an unknown add that shows late': [unknown(0, add(1)), ok(1, 2, read()), ok(3, 4, read(1))],
  'an add under way, seen or not': [ok(0, 9, add(1)), ok(1, 2, read()), ok(3, 4, read(1))],
  'a failed add that does not show': [failed(0, 1, add(1)), ok(2, 3, read())],
};

const bad: Readonly<Record<string, readonly [string, readonly Operation[]]>> = {
  'a lost element': ['1 is lost', [ok(0, 1, add(1)), ok(2, 3, read())]],
  'an element lost after it was seen': ['1 is lost', [unknown(0, add(1)), ok(1, 2, read(1)), ok(3, 4, read())]],
  'an invented element': ['7 was never added', [ok(0, 1, add(1)), ok(2, 3, read(1, 7))]],
  'a failed add that shows': ['1 shows though its add failed', [failed(0, 1, add(1)), ok(2, 3, read(1))]],
  'an element from the future': ['1 shows before it was added', [ok(0, 1, read(1)), ok(2, 3, add(1))]],
  'an element twice': ['1 is there twice', [ok(0, 1, add(1)), ok(2, 3, read(1, 1))]],
};

/** The same history, of a set. */
function asSet(operations: readonly Operation[]): Operation[] {
  return operations.map((operation) => (operation.op === 'append' ? { ...operation, op: 'add' } : operation));
}

describe('checkSet', () => {
  it.each(Object.entries(good))('accepts %s', (_, operations) => {
    expect(describeVerdict(checkSet(operations))).toBe('set: valid');
  });

  it.each(Object.entries(bad))('convicts %s', (_, [message, operations]) => {
    expect(describeVerdict(checkSet(operations)).split('\n')[0]).toBe(`set: violated: key "x": ${message}`);
  });

  it('shows an element that was lost after a read had it', () => {
    const history = [unknown(0, add(1)), ok(1, 2, read(1)), ok(3, 4, read())];
    expect(checkSet(history)).toMatchObject({ violation: { witness: history } });
  });

  it('does not judge elements that it cannot tell apart', () => {
    expect(checkSet([ok(0, 1, add(1)), ok(2, 3, add(1))]).outcome).toBe('undecided');
  });

  it('refuses what is no operation of a set', () => {
    expect(() => checkSet([ok(0, 1, { op: 'put' })])).toThrow('line 1: op must be one of add, read');
    expect(() => checkSet([ok(2, 3, { op: 'read', output: 'a' })])).toThrow('line 3: read answers a list');
  });

  it('accepts whatever has an order, and convicts what a single change broke', () => {
    let convicted = 0;
    fc.assert(
      fc.property(listExecutions(6), fc.nat(), fc.nat(3), fc.nat(6), (operations, at, how, where) => {
        const changed = asSet(mutateGrowth(operations, at, how, where));
        const outcome = checkSet(changed).outcome;
        if (hasOrder(changed, setModel, [])) expect(outcome).toBe('valid');
        else if (outcome === 'violated') convicted += 1;
      }),
      { numRuns: 3_000, seed: 1 },
    );
    expect(convicted).toBeGreaterThan(300);
  });
});
