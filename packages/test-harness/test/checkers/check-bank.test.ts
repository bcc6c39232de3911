import { describe, expect, it } from 'vitest';
import { checkBank, describeVerdict, type Json } from '../../src/index.ts';
import { ok, unknown } from './call.ts';

const bank = { balances: { a: 10, b: 0, c: 5 } };
const reading = (output: Json) => ok(4, 5, { op: 'read', key: '', output });
const transfer = ok(0, 9, { op: 'transfer', key: '', input: { from: 'a', to: 'b', amount: 3 } });

describe('checkBank', () => {
  it.each([
    ['the balances of the start', { a: 10, b: 0, c: 5 }],
    ['the balances after a transfer', { a: 7, b: 3, c: 5 }],
    ['everything in one account', { a: 0, b: 15, c: 0 }],
  ])('accepts %s', (_, output) => {
    expect(checkBank([transfer, reading(output)], bank).outcome).toBe('valid');
  });

  it('does not look at a read without an answer', () => {
    expect(checkBank([unknown(0, { op: 'read', key: '' })], bank).outcome).toBe('valid');
  });

  it.each([
    ['money lost: one half of a transfer', { a: 7, b: 0, c: 5 }, 'the balances add up to 12, not to 15'],
    ['money made: the other half', { a: 10, b: 3, c: 5 }, 'the balances add up to 18, not to 15'],
    ['a lost account', { a: 15, b: 0 }, 'account "c" is missing'],
    ['an invented account', { a: 10, b: 0, c: 4, d: 1 }, 'account "d" is none of the bank\'s'],
    ['an overdrawn account', { a: -1, b: 11, c: 5 }, 'account "a" is overdrawn'],
  ])('convicts %s', (_, output, message) => {
    const verdict = checkBank([transfer, reading({ ...bank.balances }), reading(output)], bank);
    expect(describeVerdict(verdict).split('\n')).toEqual([
      `bank: violated: ${message}`,
      `  process 4: read → ok ${JSON.stringify(output)} [4, 5]`,
    ]);
  });

  it('lets accounts be overdrawn where that is allowed', () => {
    const verdict = checkBank([reading({ a: -1, b: 11, c: 5 })], { ...bank, isOverdraftAllowed: true });
    expect(verdict.outcome).toBe('valid');
  });

  it.each([[null], [[1, 2]], [{ a: '10', b: 0, c: 5 }], [{ a: 10.5, b: -0.5, c: 5 }]])(
    'refuses %j as balances',
    (output) => {
      expect(() => checkBank([reading(output)], bank)).toThrow('line 5: read answers a record of safe integers');
    },
  );
});
