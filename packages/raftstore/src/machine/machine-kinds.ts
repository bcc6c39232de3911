import type { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { compareKeys } from '@flotilla/scheduler-client';
import type { RegionMachineKind } from './region-machine.ts';

/** The kinds of machines that a store runs, by the keys that belong to them. */
export class MachineKinds {
  readonly #kinds: readonly RegionMachineKind[];
  readonly #boundaries: readonly Uint8Array[];

  /** @throws {InvariantError} when a range is empty or two overlap. */
  constructor(kinds: readonly RegionMachineKind[]) {
    this.#kinds = [...kinds].sort((left, right) => compareKeys(left.range.start, right.range.start));
    let before: RegionMachineKind | undefined;
    const boundaries: Uint8Array[] = [];
    for (const kind of this.#kinds) {
      const { start, end } = kind.range;
      assert(isBefore(start, end), 'a machine has keys', { machine: kind.name });
      const isApart =
        before === undefined || (before.range.end.length > 0 && compareKeys(before.range.end, start) <= 0);
      assert(isApart, 'machines have no keys in common', { machine: kind.name, other: before?.name });
      boundaries.push(start, end);
      before = kind;
    }
    this.#boundaries = boundaries.filter((key) => key.length > 0);
  }

  /** The kind whose range is exactly the region's, which therefore has its machine. */
  ofRegion({ startKey, endKey }: metapb.Region): RegionMachineKind | undefined {
    return this.#kinds.find(
      ({ range }) => compareKeys(range.start, startKey) === 0 && compareKeys(range.end, endKey) === 0,
    );
  }

  /** The kind that the key belongs to. */
  ofKey(key: Uint8Array): RegionMachineKind | undefined {
    return this.#kinds.find(({ range }) => compareKeys(range.start, key) <= 0 && isBefore(key, range.end));
  }

  /** Whether any key of the region belongs to a machine. */
  overlaps({ startKey, endKey }: metapb.Region): boolean {
    return this.#kinds.some(({ range }) => isBefore(range.start, endKey) && isBefore(startKey, range.end));
  }

  /** The keys, in order, at which the region has yet to be split. */
  boundariesIn({ startKey, endKey }: metapb.Region): Uint8Array[] {
    const inside = this.#boundaries.filter((key) => compareKeys(startKey, key) < 0 && isBefore(key, endKey));
    return inside.filter((key, position) => position === 0 || compareKeys(inside[position - 1] as Uint8Array, key) < 0);
  }

  /** The kind that a split at the keys would part. */
  partedBy(splitKeys: readonly Uint8Array[]): RegionMachineKind | undefined {
    return this.#kinds.find(({ range }) =>
      splitKeys.some((key) => compareKeys(range.start, key) < 0 && isBefore(key, range.end)),
    );
  }
}

/** Whether the key lies before the end of a range, of which an empty one is the end of the key space. */
function isBefore(key: Uint8Array, end: Uint8Array): boolean {
  return end.length === 0 || compareKeys(key, end) < 0;
}
