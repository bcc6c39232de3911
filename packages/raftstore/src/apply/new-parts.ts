import { putApplyState, putRegionState, type WriteBatch } from '@flotilla/engine';
import { type metapb, raft_serverpb } from '@flotilla/protocol';
import { initialApplyState } from '../initial-state.ts';
import type { RegionSplit } from './split.ts';

/**
 * Adds the states of a split's new regions to the batch that holds the split, so that a crash leaves all parts or the old
 * region. `isKnown` tells which regions this store has, or had, a peer of already: one that was removed before the split
 * came this far must not come back, and one that was added since is newer than the split. Those are left out.
 */
export function writeParts(
  split: RegionSplit,
  batch: WriteBatch,
  isKnown: (region: metapb.Region) => boolean,
): RegionSplit {
  const leftOut: number[] = [];
  for (const region of split.regions.slice(1)) {
    if (isKnown(region)) {
      leftOut.push(region.id);
      continue;
    }
    putRegionState(batch, region.id, { state: raft_serverpb.PeerState.Normal, region });
    putApplyState(batch, region.id, initialApplyState());
  }
  return leftOut.length === 0 ? split : { ...split, leftOut };
}
