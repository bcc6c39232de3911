import type { metapb } from '@flotilla/protocol';
import { compareKeys, epochOf, type RegionTree } from '@flotilla/scheduler-client';

/** The most neighbours that an answer names. */
const maxNeighbours = 16;

/**
 * The regions that follow `region` on this store, as many as may have been split from it since `asked`: whoever asked with
 * that epoch may find its key in one of them.
 */
export function neighboursOf(
  regions: RegionTree<{ readonly region: metapb.Region }>,
  region: metapb.Region,
  asked: metapb.RegionEpoch,
): metapb.Region[] {
  const splits = epochOf(region).version - asked.version;
  const found: metapb.Region[] = [];
  if (splits <= 0 || region.endKey.length === 0) return found;
  let { endKey } = region;
  for (const entry of regions.scan(endKey, new Uint8Array(0), Math.min(splits, maxNeighbours))) {
    if (compareKeys(entry.region.startKey, endKey) !== 0) break;
    found.push(entry.region);
    endKey = entry.region.endKey;
  }
  return found;
}
