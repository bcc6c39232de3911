import type { metapb } from '@flotilla/protocol';

/** The epoch of a region, or the one that a message was sent in; one that was never set counts as 0/0, older than any real one. */
export function epochOf(source: { readonly regionEpoch?: metapb.RegionEpoch | undefined }): metapb.RegionEpoch {
  return source.regionEpoch ?? { confVer: 0, version: 0 };
}

/** Whether `epoch` is from before `known`: a split, a merge or a membership change has happened since. */
export function isEpochStale(epoch: metapb.RegionEpoch, known: metapb.RegionEpoch): boolean {
  return epoch.version < known.version || epoch.confVer < known.confVer;
}

/** Whether both epochs have seen the same splits, merges and membership changes. */
export function isSameEpoch(left: metapb.RegionEpoch, right: metapb.RegionEpoch): boolean {
  return left.version === right.version && left.confVer === right.confVer;
}
