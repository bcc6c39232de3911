import type { ConfState, Entry, HardState, Snapshot } from './message.ts';

/** Why a part of the log cannot be read: given up to a snapshot, or not there yet. */
export type LogGap = 'compacted' | 'unavailable';

/**
 * What the core reads of its stable state. Every call is synchronous and cheap; the core calls it again rather than
 * remembering the answer.
 */
export interface RaftStorage {
  /** Read once, when the core is made. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /**
   * Entries of [low, high), the first always, further ones while their sizes together stay within `maxBytes`.
   * The core does not modify the array.
   */
  entries(low: number, high: number, maxBytes: number): readonly Entry[] | LogGap;
  /** The term of the entry at `index`, known from `firstIndex() - 1` to `lastIndex()`. */
  term(index: number): number | LogGap;
  firstIndex(): number;
  lastIndex(): number;
  /** A snapshot no older than the start of the log, or `undefined` while one is being made: the core asks again later. */
  snapshot(): Snapshot | undefined;
}
