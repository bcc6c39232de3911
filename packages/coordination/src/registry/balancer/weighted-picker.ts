import { type Member, type MemberPicker, weightOf } from './member.ts';

/**
 * Members in proportion to their weights, without bursts: each earns its weight with every request, the richest is picked and
 * pays the sum of all weights. Over any number of requests each member is within one of its share.
 *
 * Members of weight 0 get nothing, unless all have it; then all count alike. Source: the smooth weighted round robin of nginx.
 */
export class WeightedPicker implements MemberPicker {
  #earned = new Map<string, number>();

  pick<M extends Member>(members: readonly M[]): M {
    const weights = members.map(({ instance }) => weightOf(instance));
    const sum = weights.reduce((left, right) => left + right, 0);
    const total = sum === 0 ? members.length : sum;
    if (this.#earned.size > members.length) this.#forgetAllBut(members);
    let richest: M | undefined;
    let most = 0;
    for (const [index, member] of members.entries()) {
      const weight = sum === 0 ? 1 : (weights[index] as number);
      if (weight === 0) continue;
      const id = member.instance.instanceId;
      const earned = (this.#earned.get(id) ?? 0) + weight;
      this.#earned.set(id, earned);
      if (richest === undefined || earned > most) {
        richest = member;
        most = earned;
      }
    }
    const picked = richest as M;
    this.#earned.set(picked.instance.instanceId, most - total);
    return picked;
  }

  #forgetAllBut(members: readonly Member[]): void {
    const kept = new Map<string, number>();
    for (const { instance } of members) kept.set(instance.instanceId, this.#earned.get(instance.instanceId) ?? 0);
    this.#earned = kept;
  }
}
