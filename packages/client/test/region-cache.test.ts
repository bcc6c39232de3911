import { metapb } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CachedRegion, firstChoice, RegionCache } from '../src/region-cache.ts';

const key = (position: number): Uint8Array => (position === 0 ? new Uint8Array() : Buffer.from([position]));

/** A region of [from, to) over keys of one byte; `to` 0 is the end of all keys. */
function region(id: number, from: number, to: number, version: number, confVer = 1): metapb.Region {
  const peers = [1, 2, 3].map((storeId) => metapb.Peer.create({ id: id * 10 + storeId, storeId }));
  return metapb.Region.create({ id, startKey: key(from), endKey: key(to), regionEpoch: { version, confVer }, peers });
}

describe('a region cache', () => {
  it('finds by range, ends excluded', () => {
    const cache = new RegionCache(10);
    cache.insert(region(1, 5, 9, 1), undefined);
    expect([4, 5, 8, 9].map((position) => cache.find(key(position))?.region.id)).toEqual([undefined, 1, 1, undefined]);
  });

  it('keeps what is newer, and renews the leader of what is the same', () => {
    const cache = new RegionCache(10);
    const newer = region(1, 0, 5, 3);
    expect(cache.insert(newer, undefined)).toBe(true);
    expect(cache.insert(region(1, 0, 0, 2), newer.peers[2])).toBe(false);
    expect(cache.find(key(7))).toBeUndefined();
    expect(cache.insert(region(2, 0, 0, 2), undefined)).toBe(false);
    expect(cache.insert(newer, newer.peers[1])).toBe(true);
    expect(firstChoice(cache.find(key(1)) as CachedRegion)?.storeId).toBe(2);
    expect(cache.insert(newer, undefined)).toBe(true);
    expect(firstChoice(cache.find(key(1)) as CachedRegion)?.storeId).toBe(2);
  });

  it('asks the next voter after one that failed, and comes round', () => {
    const cache = new RegionCache(10);
    const mixed = region(1, 0, 0, 1);
    const learner = metapb.Peer.create({ id: 19, storeId: 9, role: metapb.PeerRole.Learner });
    cache.insert({ ...mixed, peers: [learner, ...mixed.peers] }, undefined);
    const asked: (number | undefined)[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const peer = firstChoice(cache.find(key(1)) as CachedRegion) as metapb.Peer;
      asked.push(peer.storeId);
      cache.avoid(1, peer);
    }
    expect(asked).toEqual([1, 2, 3, 1]);
  });

  it('leaves the leader alone when another peer than it failed', () => {
    const cache = new RegionCache(10);
    const one = region(1, 0, 0, 1);
    cache.insert(one, one.peers[1]);
    cache.avoid(1, one.peers[0] as metapb.Peer);
    expect(firstChoice(cache.find(key(1)) as CachedRegion)?.storeId).toBe(2);
  });

  it('forgets a region whose leader is none of its peers', () => {
    const cache = new RegionCache(10);
    cache.insert(region(1, 0, 0, 1), undefined);
    cache.setLeader(1, metapb.Peer.create({ id: 99, storeId: 9 }));
    expect(cache.size).toBe(0);
    cache.setLeader(1, metapb.Peer.create({ id: 99, storeId: 9 }));
  });

  it('starts afresh rather than grow beyond its capacity', () => {
    const cache = new RegionCache(3);
    for (let id = 1; id <= 10; id += 1) {
      cache.insert(region(id, id, id + 1, 1), undefined);
      expect(cache.size).toBeLessThanOrEqual(3);
      expect(cache.find(key(id))?.region.id).toBe(id);
    }
  });
});

/** The same rules over a plain list, looked through from end to end. */
class ModelCache {
  entries: CachedRegion[] = [];

  insert(added: metapb.Region, leader: metapb.Peer | undefined): boolean {
    const epoch = added.regionEpoch as metapb.RegionEpoch;
    const known = this.entries.find((entry) => entry.region.id === added.id);
    const knownEpoch = known?.region.regionEpoch;
    if (knownEpoch !== undefined && (epoch.version < knownEpoch.version || epoch.confVer < knownEpoch.confVer))
      return false;
    if (knownEpoch !== undefined && epoch.version === knownEpoch.version && epoch.confVer === knownEpoch.confVer) {
      this.entries = this.entries.map((entry) =>
        entry === known ? { ...entry, leader: leader ?? entry.leader } : entry,
      );
      return true;
    }
    const overlapping = this.entries.filter((entry) =>
      positions(added).some((at) => positions(entry.region).includes(at)),
    );
    if (overlapping.some(({ region: other }) => (other.regionEpoch?.version ?? 0) > epoch.version)) return false;
    this.entries = this.entries.filter((entry) => entry !== known && !overlapping.includes(entry));
    this.entries.push({ region: added, leader });
    return true;
  }

  find(position: number): CachedRegion | undefined {
    return this.entries.find((entry) => positions(entry.region).includes(position));
  }
}

function positions({ startKey, endKey }: metapb.Region): number[] {
  const all = Array.from({ length: 16 }, (_, position) => position);
  return all.filter((at) => at >= (startKey[0] ?? 0) && (endKey.length === 0 || at < (endKey[0] as number)));
}

const inserted = fc.record({
  id: fc.integer({ min: 1, max: 5 }),
  from: fc.integer({ min: 0, max: 14 }),
  length: fc.integer({ min: 1, max: 15 }),
  version: fc.integer({ min: 1, max: 5 }),
  confVer: fc.integer({ min: 1, max: 3 }),
  leader: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
});

it('answers as a plain list under the same rules does', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: inserted.map((insert) => ({ type: 'insert' as const, insert })) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }).map((id) => ({ type: 'delete' as const, id })) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('lead' as const),
        id: fc.integer({ min: 1, max: 5 }),
        peer: fc.integer({ min: 0, max: 2 }),
      }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cache = new RegionCache(1_000);
      const model = new ModelCache();
      for (const one of steps) {
        if (one.type === 'insert') {
          const { id, from, length, version, confVer, leader } = one.insert;
          const added = region(id, from, from + length > 15 ? 0 : from + length, version, confVer);
          const peer = leader === undefined ? undefined : added.peers[leader];
          expect(cache.insert(added, peer)).toBe(model.insert(added, peer));
        } else if (one.type === 'delete') {
          cache.delete(one.id);
          model.entries = model.entries.filter((entry) => entry.region.id !== one.id);
        } else {
          const peer = region(one.id, 0, 0, 1).peers[one.peer] as metapb.Peer;
          cache.setLeader(one.id, peer);
          model.entries = model.entries.map((entry) =>
            entry.region.id === one.id ? { ...entry, leader: peer } : entry,
          );
        }
        for (let position = 0; position < 16; position += 1) {
          expect(cache.find(key(position))).toEqual(model.find(position));
        }
        expect(cache.size).toBe(model.entries.length);
      }
    }),
    { numRuns: 300 },
  );
});
