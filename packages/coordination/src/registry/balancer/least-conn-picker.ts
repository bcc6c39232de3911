import { indexAfter, type Member, type MemberPicker } from './member.ts';

/** The member with the fewest requests under way; those with equally few in turn. */
export class LeastConnPicker implements MemberPicker {
  #lastId = '';

  pick<M extends Member>(members: readonly M[]): M {
    const start = indexAfter(members, this.#lastId);
    let least = members[start % members.length] as M;
    for (let offset = 1; offset < members.length && least.outstanding > 0; offset += 1) {
      const member = members[(start + offset) % members.length] as M;
      if (member.outstanding < least.outstanding) least = member;
    }
    this.#lastId = least.instance.instanceId;
    return least;
  }
}
