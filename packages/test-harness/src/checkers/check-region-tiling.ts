import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** The range of a region: from `startKey`, to before `endKey`; an empty key is the respective end of the key space. */
export interface RegionRange {
  readonly regionId: number;
  readonly startKey: Uint8Array;
  readonly endKey: Uint8Array;
}

/** Checks that the ranges tile the key space: every key is in exactly one region, and every id is there once. */
export function checkRegionTiling(regions: Iterable<RegionRange>): Verdict {
  const checker = 'region tiling';
  const sorted = [...regions].sort((a, b) => Buffer.compare(a.startKey, b.startKey));
  const convict = (message: string): Verdict => verdictOf(checker, sorted.length, plainViolation(message));
  const ids = new Set<number>();
  let previous: RegionRange | undefined;
  for (const region of sorted) {
    const { regionId, startKey, endKey } = region;
    if (ids.has(regionId)) return convict(`region ${regionId} is there twice`);
    ids.add(regionId);
    if (endKey.length > 0 && Buffer.compare(startKey, endKey) >= 0) return convict(`region ${regionId} is empty`);
    if (previous === undefined) {
      if (startKey.length > 0) return convict(`no region holds the keys before ${shown(startKey)}`);
    } else if (previous.endKey.length === 0 || Buffer.compare(startKey, previous.endKey) < 0) {
      return convict(`regions ${previous.regionId} and ${regionId} both hold ${shown(startKey)}`);
    } else if (Buffer.compare(startKey, previous.endKey) > 0) {
      return convict(`no region holds the keys from ${shown(previous.endKey)} to ${shown(startKey)}`);
    }
    previous = region;
  }
  if (previous === undefined) return convict('there is no region');
  if (previous.endKey.length > 0) return convict(`no region holds the keys from ${shown(previous.endKey)}`);
  return verdictOf(checker, sorted.length, undefined);
}

function shown(key: Uint8Array): string {
  return key.length === 0 ? 'the first key' : `0x${Buffer.from(key).toString('hex')}`;
}
