import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Random } from '../src/random.ts';
import { createSeededRandom } from '../src/seeded-random.ts';

const draw = (random: Random, count = 8): number[] => Array.from({ length: count }, () => random.integer(0, 2 ** 32));

describe('createSeededRandom', () => {
  it('draws whole numbers inside any safe range', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.maxSafeInteger(), (seed, a, b) => {
        const [minimum, end] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(end > minimum && end - minimum <= Number.MAX_SAFE_INTEGER);
        const random = createSeededRandom(seed);
        for (let round = 0; round < 20; round += 1) {
          const drawn = random.integer(minimum, end);
          expect(Number.isSafeInteger(drawn) && drawn >= minimum && drawn < end).toBe(true);
        }
      }),
    );
  });

  it.each([2 ** 31, 2 ** 32 + 1, 2 ** 40 + 12_345, Number.MAX_SAFE_INTEGER])('spreads evenly over [0, %s)', (end) => {
    const random = createSeededRandom(7);
    const eighths = new Array<number>(8).fill(0);
    for (let round = 0; round < 8_000; round += 1) {
      const eighth = Math.floor((random.integer(0, end) / end) * 8);
      eighths[eighth] = (eighths[eighth] ?? 0) + 1;
    }
    for (const count of eighths) expect(count).toBeGreaterThan(850);
  });

  it('refuses empty and unsafe ranges and seeds', () => {
    const random = createSeededRandom(1);
    expect(() => random.integer(3, 3)).toThrow('range');
    expect(() => random.integer(0, 2 ** 53)).toThrow('range');
    expect(() => random.integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toThrow('range');
    expect(() => random.integer(0.5, 3)).toThrow('range');
    expect(() => createSeededRandom(0.5)).toThrow('seed');
  });

  it('draws the same for the same seed, fractions below one included', () => {
    expect(draw(createSeededRandom(5))).toEqual(draw(createSeededRandom(5)));
    const random = createSeededRandom(5);
    for (let round = 0; round < 1_000; round += 1) {
      const fraction = random.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });

  it('gives neighbouring seeds unlike first draws, beyond 32 bits too', () => {
    const firsts = new Set<number>();
    for (let seed = 0; seed < 1_000; seed += 1) {
      firsts.add(createSeededRandom(seed).integer(0, 1_000_000));
      firsts.add(createSeededRandom(seed + 2 ** 40).integer(0, 1_000_000));
    }
    expect(firsts.size).toBeGreaterThan(1_980);
    const tens = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 1_000; seed += 1) {
      const timeout = createSeededRandom(seed).integer(0, 10);
      tens[timeout] = (tens[timeout] ?? 0) + 1;
    }
    for (const count of tens) expect(count).toBeGreaterThan(60);
  });

  it('forks by seed and label alone, whatever has been drawn', () => {
    const drawn = createSeededRandom(9);
    draw(drawn);
    expect(draw(drawn.fork('peer 1'))).toEqual(draw(createSeededRandom(9).fork('peer 1')));
    const fork = drawn.fork('peer 1');
    const before = draw(createSeededRandom(9), 16);
    const random = createSeededRandom(9);
    draw(random.fork('peer 2'));
    draw(fork);
    expect(draw(random, 16)).toEqual(before);
  });

  it('gives each label, and each seed under one label, a source of its own', () => {
    const sources = new Set<string>();
    for (let seed = 0; seed < 30; seed += 1) {
      sources.add(draw(createSeededRandom(seed)).join());
      for (const label of ['a', 'b', 'c', 'ab', 'ba', '', '\0', '\0\0', 'region 1', 'region 2']) {
        sources.add(draw(createSeededRandom(seed).fork(label)).join());
        sources.add(draw(createSeededRandom(seed).fork(label).fork(label)).join());
      }
    }
    expect(sources.size).toBe(30 * 21);
  });
});
