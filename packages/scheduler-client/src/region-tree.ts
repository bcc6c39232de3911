import type { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import SortedBTree from 'sorted-btree';

// The module is CommonJS: Node hands out its exports, with the class on `default`, and vitest hands out the class itself.
const BTree: typeof SortedBTree.default = SortedBTree.default ?? (SortedBTree as unknown as typeof SortedBTree.default);

/** Something that is known about a region. */
export interface RegionEntry {
  readonly region: metapb.Region;
}

/**
 * Regions by key range and by id. Ranges are half-open, in byte order; an empty end key is the end of the key space.
 *
 * Invariant: no two entries overlap, and each id occurs once.
 */
export class RegionTree<Entry extends RegionEntry> {
  readonly #byStartKey = new BTree<Uint8Array, Entry>(undefined, compareKeys);
  readonly #byId = new Map<number, Entry>();

  /** Regions held. */
  get size(): number {
    return this.#byId.size;
  }

  getById(regionId: number): Entry | undefined {
    return this.#byId.get(regionId);
  }

  /** The region whose range holds `key`. */
  find(key: Uint8Array): Entry | undefined {
    const entry = this.#byStartKey.getPairOrNextLower(key)?.[1];
    return entry !== undefined && endsAfter(entry.region, key) ? entry : undefined;
  }

  /** The region that ends where the region of `key` begins. */
  findPrevious(key: Uint8Array): Entry | undefined {
    const current = this.find(key);
    if (current === undefined) return undefined;
    const previous = this.#byStartKey.nextLowerPair(current.region.startKey)?.[1];
    return previous !== undefined && compareKeys(previous.region.endKey, current.region.startKey) === 0
      ? previous
      : undefined;
  }

  /** Entries whose range shares a key with [startKey, endKey), in key order. */
  overlapping(startKey: Uint8Array, endKey: Uint8Array): Entry[] {
    return this.scan(startKey, endKey, Number.POSITIVE_INFINITY);
  }

  /** Up to `limit` entries in key order, from the one that holds `startKey` to the last that begins before `endKey`. */
  scan(startKey: Uint8Array, endKey: Uint8Array, limit: number): Entry[] {
    const found: Entry[] = [];
    const first = this.find(startKey)?.region.startKey ?? startKey;
    for (const [start, entry] of this.#byStartKey.entries(first)) {
      if (found.length >= limit) break;
      if (endKey.length > 0 && compareKeys(start, endKey) >= 0) break;
      found.push(entry);
    }
    return found;
  }

  /** Puts an entry in the place of whatever it overlaps and of its id's earlier entry; returns what was displaced. */
  replace(entry: Entry): Entry[] {
    const { region } = entry;
    assert(
      region.endKey.length === 0 || compareKeys(region.startKey, region.endKey) < 0,
      'a region with an empty range',
      {
        regionId: region.id,
      },
    );
    const displaced = this.overlapping(region.startKey, region.endKey);
    const earlier = this.#byId.get(region.id);
    if (earlier !== undefined && !displaced.includes(earlier)) displaced.push(earlier);
    for (const old of displaced) this.delete(old.region.id);
    this.#byStartKey.set(region.startKey, entry);
    this.#byId.set(region.id, entry);
    return displaced;
  }

  /** Changes what is known about a region whose id and range stay as they are. */
  update(entry: Entry): void {
    const earlier = this.#byId.get(entry.region.id);
    assert(
      earlier !== undefined &&
        compareKeys(earlier.region.startKey, entry.region.startKey) === 0 &&
        compareKeys(earlier.region.endKey, entry.region.endKey) === 0,
      'an update that moves a region',
      { regionId: entry.region.id },
    );
    this.#byStartKey.set(entry.region.startKey, entry);
    this.#byId.set(entry.region.id, entry);
  }

  delete(regionId: number): Entry | undefined {
    const entry = this.#byId.get(regionId);
    if (entry === undefined) return undefined;
    this.#byId.delete(regionId);
    this.#byStartKey.delete(entry.region.startKey);
    return entry;
  }

  /** Every entry in key order. */
  *entries(): IterableIterator<Entry> {
    yield* this.#byStartKey.values();
  }
}

/** Byte order of two keys. */
export function compareKeys(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

function endsAfter(region: metapb.Region, key: Uint8Array): boolean {
  return region.endKey.length === 0 || compareKeys(key, region.endKey) < 0;
}
