import { metapb } from '@flotilla/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys, type RegionEntry, RegionTree } from '../src/region-tree.ts';

/** Keys of one byte, the empty key among them; as an end, the empty key is the end of the key space. */
const key = fc.integer({ min: 0, max: 12 }).map((value) => (value === 0 ? new Uint8Array(0) : Uint8Array.of(value)));

const entry: fc.Arbitrary<RegionEntry> = fc
  .record({ id: fc.integer({ min: 1, max: 8 }), startKey: key, endKey: key })
  .filter(({ startKey, endKey }) => endKey.length === 0 || compareKeys(startKey, endKey) < 0)
  .map((range) => ({ region: metapb.Region.create(range) }));

type Change =
  | { readonly type: 'replace'; readonly entry: RegionEntry }
  | { readonly type: 'delete'; readonly id: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: entry.map((value) => ({ type: 'replace' as const, entry: value })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }).map((id) => ({ type: 'delete' as const, id })) },
);

function holds({ region }: RegionEntry, at: Uint8Array): boolean {
  return compareKeys(region.startKey, at) <= 0 && (region.endKey.length === 0 || compareKeys(at, region.endKey) < 0);
}

/** Whether two ranges share a key, said without the tree's own means. */
function overlap(left: metapb.Region, right: metapb.Region): boolean {
  const startsBefore = (start: Uint8Array, end: Uint8Array) => end.length === 0 || compareKeys(start, end) < 0;
  return startsBefore(left.startKey, right.endKey) && startsBefore(right.startKey, left.endKey);
}

function inOrder(entries: readonly RegionEntry[]): RegionEntry[] {
  return [...entries].sort((left, right) => compareKeys(left.region.startKey, right.region.startKey));
}

test('the tree agrees with a plain list under any changes', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 30 }),
      key,
      entry,
      fc.integer({ min: 1, max: 5 }),
      (changes, at, probe, limit) => {
        const tree = new RegionTree<RegionEntry>();
        let list: RegionEntry[] = [];
        for (const step of changes) {
          if (step.type === 'delete') {
            expect(tree.delete(step.id)).toBe(list.find(({ region }) => region.id === step.id));
            list = list.filter(({ region }) => region.id !== step.id);
            continue;
          }
          const isDisplaced = ({ region }: RegionEntry) =>
            region.id === step.entry.region.id || overlap(region, step.entry.region);
          expect(new Set(tree.replace(step.entry))).toEqual(new Set(list.filter(isDisplaced)));
          list = [...list.filter((other) => !isDisplaced(other)), step.entry];
        }
        const ordered = inOrder(list);
        expect([...tree.entries()]).toEqual(ordered);
        expect(tree.size).toBe(list.length);
        expect(tree.find(at)).toBe(list.find((other) => holds(other, at)));
        const { startKey, endKey } = probe.region;
        const within = ordered.filter(({ region }) => overlap(region, probe.region));
        expect(tree.overlapping(startKey, endKey)).toEqual(within);
        expect(tree.scan(startKey, endKey, limit)).toEqual(within.slice(0, limit));
      },
    ),
    { numRuns: 300 },
  );
});

test('the previous region is the one that ends where this one begins', () => {
  const tree = new RegionTree<RegionEntry>();
  const add = (id: number, start: number, end: number) => {
    const region = metapb.Region.create({ id, startKey: Uint8Array.of(start), endKey: Uint8Array.of(end) });
    tree.replace({ region });
  };
  add(1, 1, 3);
  add(2, 3, 5);
  add(3, 7, 9);
  expect(tree.findPrevious(Uint8Array.of(4))?.region.id).toBe(1);
  expect(tree.findPrevious(Uint8Array.of(2))).toBeUndefined();
  expect(tree.findPrevious(Uint8Array.of(8))).toBeUndefined();
});

test('an update may not move a region', () => {
  const tree = new RegionTree<RegionEntry>();
  const region = metapb.Region.create({ id: 1, endKey: Uint8Array.of(5) });
  expect(() => tree.update({ region })).toThrow(/moves a region/);
  tree.replace({ region });
  tree.update({ region: { ...region, regionEpoch: { version: 2, confVer: 2 } } });
  expect(tree.getById(1)?.region.regionEpoch?.version).toBe(2);
  expect(() => tree.update({ region: { ...region, endKey: Uint8Array.of(6) } })).toThrow(/moves a region/);
});

test('a region with an empty range is refused', () => {
  const region = metapb.Region.create({ id: 1, startKey: Uint8Array.of(5), endKey: Uint8Array.of(5) });
  expect(() => new RegionTree<RegionEntry>().replace({ region })).toThrow(/empty range/);
});
