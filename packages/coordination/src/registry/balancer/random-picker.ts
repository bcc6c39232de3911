import type { Random } from '@flotilla/runtime';
import type { Member, MemberPicker } from './member.ts';

/** Any member, each as likely as the others. */
export class RandomPicker implements MemberPicker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<M extends Member>(members: readonly M[]): M {
    return members[this.#random.integer(0, members.length)] as M;
  }
}
