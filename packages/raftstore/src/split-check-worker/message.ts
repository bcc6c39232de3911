import type { metapb } from '@flotilla/protocol';

/** Measures a region, and finds where it could be split. */
export interface SplitCheckTask {
  readonly regionId: number;
  /** The epoch that the range is of. */
  readonly epoch: metapb.RegionEpoch;
  readonly startKey: Uint8Array;
  readonly endKey: Uint8Array;
  /** `size` looks for keys that make parts of the wanted size, if the region is too large; `middle` for one that halves it. */
  readonly mode: 'size' | 'middle';
  /** Bytes of keys and values from which on a region is too large. */
  readonly maxBytes: number;
  /** Bytes that a part should have. */
  readonly splitBytes: number;
  /** The most keys to name. */
  readonly maxSplitKeys: number;
}

/** What a split check found. */
export type SplitCheckResult =
  | {
      readonly type: 'checked';
      readonly regionId: number;
      readonly epoch: metapb.RegionEpoch;
      readonly mode: SplitCheckTask['mode'];
      /** Keys and values of the default column family; of a region with more keys than were asked for, what was read. */
      readonly bytes: number;
      readonly keys: number;
      /** User keys in order; empty when the region is to stay whole, or cannot be parted. */
      readonly splitKeys: readonly Uint8Array[];
    }
  | {
      readonly type: 'failed';
      readonly regionId: number;
      readonly mode: SplitCheckTask['mode'];
      /** Stable code of what went wrong, with a message for people. */
      readonly code: string;
      readonly message: string;
    };
