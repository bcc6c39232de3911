import { columnFamilies, dataRange, type Engine } from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import { compareKeys } from '@flotilla/scheduler-client';

/** A range of keys; an empty end is the end of the key space. */
interface Gap {
  readonly startKey: Uint8Array;
  readonly endKey: Uint8Array;
}

const noKey = new Uint8Array(0);

/** The ranges that none of the regions has, in key order. Invariant: the regions do not overlap. */
export function gapsBetween(regions: readonly metapb.Region[]): Gap[] {
  const inOrder = [...regions].sort((left, right) => compareKeys(left.startKey, right.startKey));
  const gaps: Gap[] = [];
  let startKey: Uint8Array = noKey;
  for (const region of inOrder) {
    if (compareKeys(startKey, region.startKey) < 0) gaps.push({ startKey, endKey: region.startKey });
    if (region.endKey.length === 0) return gaps;
    startKey = region.endKey;
  }
  gaps.push({ startKey, endKey: noKey });
  return gaps;
}

/**
 * Deletes what regions left behind whose peers were destroyed just before the end of the process: the tombstone is durable
 * at once, the deletion of the data is not. For the start, before any region can be added.
 */
export async function deleteUnownedData(engine: Engine, regions: readonly metapb.Region[]): Promise<void> {
  for (const { startKey, endKey } of gapsBetween(regions)) {
    for (const family of columnFamilies) await engine.deleteRange(dataRange(family, startKey, endKey));
  }
}
