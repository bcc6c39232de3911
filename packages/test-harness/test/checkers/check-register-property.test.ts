import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRegister, describeVerdict } from '../../src/index.ts';
import { hasOrder, registerModel } from './every-order.ts';
import { distinctExecutions, executions, mutate } from './register-execution.ts';

const value = fc.constantFrom('a', 'b', 'c', 'd', null);

describe('checkRegister, over random executions', () => {
  it('accepts what a real register did', () => {
    fc.assert(
      fc.property(executions(60, ['x', 'y', 'z'], 6), (operations) => {
        expect(describeVerdict(checkRegister(operations))).toBe('register: valid');
      }),
      { numRuns: 300 },
    );
  });

  it('accepts a long execution with many unknowns on one key', () => {
    fc.assert(
      fc.property(distinctExecutions(400, ['x'], 12), (operations) => {
        expect(describeVerdict(checkRegister(operations))).toBe('register: valid');
      }),
      { numRuns: 20 },
    );
  });

  it('agrees with the search of all orders, on what is right and on what is not', () => {
    let convicted = 0;
    fc.assert(
      fc.property(executions(7), fc.nat(), fc.nat(2), value, (operations, at, how, other) => {
        const changed = mutate(operations, at, how, other);
        const isRight = hasOrder(changed, registerModel, null);
        if (!isRight) convicted += 1;
        expect(checkRegister(changed).outcome).toBe(isRight ? 'valid' : 'violated');
      }),
      { numRuns: 5_000, seed: 1 },
    );
    expect(convicted).toBeGreaterThan(500);
  });

  it('judges a hundred thousand operations over many keys in few steps each', () => {
    const [sample] = fc.sample(distinctExecutions(500, ['x'], 12), { numRuns: 1, seed: 7 });
    const operations = Array.from({ length: 100_000 }, (_, index) => {
      const copied = sample?.[index % sample.length];
      if (copied === undefined) throw new Error('an empty sample');
      return { ...copied, key: `key ${Math.floor(index / (sample?.length ?? 1))}` };
    });
    const verdict = checkRegister(operations);
    expect(verdict.outcome).toBe('valid');
    expect(verdict.steps).toBeLessThan(100_000 * 50);
  });
});
