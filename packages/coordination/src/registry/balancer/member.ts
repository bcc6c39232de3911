import type { ServiceInfo } from '../service-info.ts';

/** An instance that requests can be sent to. */
export interface Member {
  readonly instance: ServiceInfo;
  /** Requests under way, those included that are just being sent. */
  readonly outstanding: number;
}

/** Chooses one of the members that are ready; keeps its place when they come and go. */
export interface MemberPicker {
  /**
   * @param members In the order of their instances' ids; at least one.
   * @param stickyKey What the request is to stay with, if it says so.
   */
  pick<M extends Member>(members: readonly M[], stickyKey: string | undefined): M;
}

const defaultWeight = 1;
const maxWeight = 1_000_000;

/** The metadata `weight`, from 0 to 1000000; 1 where there is none or it is no number. */
export function weightOf({ metadata }: ServiceInfo): number {
  const text = metadata['weight']?.trim();
  if (text === undefined || text === '') return defaultWeight;
  const weight = Number(text);
  return weight >= 0 ? Math.min(weight, maxWeight) : defaultWeight;
}

/** The index of the first member whose id comes after `id`; the number of members when there is none. */
export function indexAfter(members: readonly Member[], id: string): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((members[middle] as Member).instance.instanceId <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
