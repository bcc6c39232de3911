import { metapb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { gapsBetween } from '../src/unowned-data.ts';

function region(start: string, end: string): metapb.Region {
  return metapb.Region.create({ startKey: Buffer.from(start), endKey: Buffer.from(end) });
}

describe('gapsBetween', () => {
  it('finds what no region has', () => {
    const gaps = (...regions: metapb.Region[]) =>
      gapsBetween(regions).map(({ startKey, endKey }) => `${Buffer.from(startKey)}-${Buffer.from(endKey)}`);
    expect(gaps()).toEqual(['-']);
    expect(gaps(region('', ''))).toEqual([]);
    expect(gaps(region('m', ''), region('', 'm'))).toEqual([]);
    expect(gaps(region('c', 'e'), region('e', 'g'), region('x', 'z'))).toEqual(['-c', 'g-x', 'z-']);
  });
});
