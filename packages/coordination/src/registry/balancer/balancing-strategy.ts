import type { Random } from '@flotilla/runtime';
import { LeastConnPicker } from './least-conn-picker.ts';
import type { MemberPicker } from './member.ts';
import { RandomPicker } from './random-picker.ts';
import { RoundRobinPicker } from './round-robin-picker.ts';
import { StickyPicker } from './sticky-picker.ts';
import { WeightedPicker } from './weighted-picker.ts';

/** How requests are spread over the instances of a service. */
export const LoadBalanceStrategy = Object.freeze({
  /** Each in turn. */
  RoundRobin: 'roundRobin',
  /** Any, by chance. */
  Random: 'random',
  /** In proportion to the metadata `weight`: 1 where there is none, nothing for 0. */
  Weighted: 'weighted',
  /** The one with the fewest requests of this channel under way. */
  LeastConn: 'leastConn',
  /** Requests with the same sticky key to the same instance, as long as it is there; those without a key in turn. */
  Sticky: 'sticky',
});

/** One of `LoadBalanceStrategy`. */
export type LoadBalanceStrategy = (typeof LoadBalanceStrategy)[keyof typeof LoadBalanceStrategy];

/** The picker of a strategy. */
export function createMemberPicker(strategy: LoadBalanceStrategy, random: Random): MemberPicker {
  switch (strategy) {
    case 'roundRobin':
      return new RoundRobinPicker();
    case 'random':
      return new RandomPicker(random);
    case 'weighted':
      return new WeightedPicker();
    case 'leastConn':
      return new LeastConnPicker();
    case 'sticky':
      return new StickyPicker();
    default:
      return strategy satisfies never;
  }
}
