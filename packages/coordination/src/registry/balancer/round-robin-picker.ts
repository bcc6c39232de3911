import { indexAfter, type Member, type MemberPicker } from './member.ts';

/** Each member in turn, by id: who comes or goes shifts nobody else's turn. */
export class RoundRobinPicker implements MemberPicker {
  #lastId = '';

  pick<M extends Member>(members: readonly M[]): M {
    const member = members[indexAfter(members, this.#lastId) % members.length] as M;
    this.#lastId = member.instance.instanceId;
    return member;
  }
}
