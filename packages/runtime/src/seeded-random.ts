import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { assert } from './assert.ts';
import type { Random } from './random.ts';

/** A source of chance determined by `seed`, a 32-bit whole number. */
export function createSeededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed | 0);
  return {
    integer(minimum, end) {
      assert(Number.isSafeInteger(minimum) && Number.isSafeInteger(end) && end > minimum, 'an empty or unsafe range', {
        minimum,
        end,
      });
      return uniformInt(generator, minimum, end - 1);
    },
    fraction: () => uniformFloat64(generator),
    fork: (label) => createSeededRandom(mix(seed, label)),
  };
}

/** FNV-1a over the label, begun from the seed. */
function mix(seed: number, label: string): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let position = 0; position < label.length; position += 1) {
    hash = Math.imul(hash ^ label.charCodeAt(position), 0x01000193);
  }
  return hash | 0;
}
