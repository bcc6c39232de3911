import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { assert } from './assert.ts';
import type { Random } from './random.ts';

/**
 * A source of chance determined by `seed`, a safe integer.
 *
 * The seed is hashed before use: the first number that xoroshiro128+ draws is its seed almost unchanged, and peers with
 * neighbouring seeds would draw neighbouring election timeouts.
 */
export function createSeededRandom(seed: number): Random {
  assert(Number.isSafeInteger(seed), 'a seed must be a safe integer', { seed });
  return createHashedRandom(hash(hash(0x811c9dc5, seed | 0), Math.floor(seed / 2 ** 32)));
}

function createHashedRandom(state: number): Random {
  const generator = xoroshiro128plus(state);
  return {
    integer(minimum, end) {
      const isSafe = Number.isSafeInteger(minimum) && Number.isSafeInteger(end) && Number.isSafeInteger(end - minimum);
      assert(isSafe && end > minimum, 'an empty or unsafe range', { minimum, end });
      return uniformInt(generator, minimum, end - 1);
    },
    fraction: () => uniformFloat64(generator),
    fork: (label) => {
      let forked = hash(state, label.length);
      for (let position = 0; position < label.length; position += 1) {
        forked = hash(forked, label.charCodeAt(position));
      }
      return createHashedRandom(forked);
    },
  };
}

/** Stirs a 32-bit `word` into a 32-bit `state`, so that a change of one bit changes about half of the result's. Source: MurmurHash3's 32-bit finaliser. */
function hash(state: number, word: number): number {
  let mixed = Math.imul(state ^ word, 0x9e3779b1) + 0x7f4a7c15;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
