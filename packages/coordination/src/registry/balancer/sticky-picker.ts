import type { Member, MemberPicker } from './member.ts';
import { RoundRobinPicker } from './round-robin-picker.ts';

/**
 * The same member for the same key: the one that draws the highest number for it. When a member goes, only its keys move; when
 * one comes, it takes an equal share from all others.
 *
 * Source: rendezvous hashing, Thaler and Ravishankar 1996.
 */
export class StickyPicker implements MemberPicker {
  readonly #keyless = new RoundRobinPicker();

  pick<M extends Member>(members: readonly M[], stickyKey: string | undefined): M {
    if (stickyKey === undefined) return this.#keyless.pick(members);
    const seed = hash(0x811c9dc5, stickyKey);
    let best = members[0] as M;
    let highest = -1;
    for (const member of members) {
      const drawn = stir(hash(seed, member.instance.instanceId));
      if (drawn <= highest) continue;
      best = member;
      highest = drawn;
    }
    return best;
  }
}

/** Source: FNV-1a, over UTF-16 units. */
function hash(state: number, text: string): number {
  let mixed = state;
  for (let index = 0; index < text.length; index += 1) mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193);
  return mixed;
}

/** Makes ids that differ in their last character draw unlike numbers. Source: MurmurHash3's 32-bit finaliser. */
function stir(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
