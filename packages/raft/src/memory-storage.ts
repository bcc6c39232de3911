import { assert } from '@flotilla/runtime';
import { countWithin } from './log/entry-size.ts';
import type { ConfState, Entry, HardState, Snapshot } from './message.ts';
import type { LogGap, RaftStorage } from './storage.ts';

const noConfState: ConfState = Object.freeze({
  voters: Object.freeze([]) as readonly number[],
  votersOutgoing: Object.freeze([]) as readonly number[],
  learners: Object.freeze([]) as readonly number[],
  learnersNext: Object.freeze([]) as readonly number[],
  autoLeave: false,
});

/** The snapshot of a node that has none: index 0. */
export const emptySnapshot: Snapshot = Object.freeze({
  data: new Uint8Array(0),
  metadata: Object.freeze({ confState: noConfState, index: 0, term: 0 }),
});

/** A `RaftStorage` in memory, for tests, examples and benchmarks. What it is given it keeps, and does not copy. */
export class MemoryStorage implements RaftStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot = emptySnapshot;
  /** Index and term of what precedes the log. */
  #before: { readonly index: number; readonly term: number } = { index: 0, term: 0 };
  #entries: Entry[] = [];

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | LogGap {
    if (low <= this.#before.index) return 'compacted';
    if (high > this.lastIndex() + 1) return 'unavailable';
    const start = low - this.#before.index - 1;
    const entries = this.#entries.slice(start, start + high - low);
    entries.length = countWithin(entries, maxBytes);
    return entries;
  }

  term(index: number): number | LogGap {
    if (index === this.#before.index) return this.#before.term;
    if (index < this.#before.index) return 'compacted';
    return this.#entries[index - this.#before.index - 1]?.term ?? 'unavailable';
  }

  firstIndex(): number {
    return this.#before.index + 1;
  }

  lastIndex(): number {
    return this.#before.index + this.#entries.length;
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  setHardState(state: HardState): void {
    this.#hardState = state;
  }

  /** Sets the snapshot that lagging followers get, without touching the log. */
  setSnapshot(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  /** Replaces what there is from the first new index on; entries that have been compacted are skipped. */
  append(entries: readonly Entry[]): void {
    const fresh = entries.filter((entry) => entry.index > this.#before.index);
    if (fresh.length === 0) return;
    const position = fresh[0]!.index - this.#before.index - 1;
    assert(position <= this.#entries.length, 'entries are missing before those to append', { first: fresh[0]!.index });
    this.#entries.length = position;
    for (const entry of fresh) this.#entries.push(entry);
  }

  /** Replaces the log by `snapshot`, unless there is one as recent. */
  applySnapshot(snapshot: Snapshot): 'applied' | 'outOfDate' {
    const { index } = this.#snapshot.metadata;
    if (index !== 0 && index >= snapshot.metadata.index) return 'outOfDate';
    this.#snapshot = snapshot;
    this.#before = { index: snapshot.metadata.index, term: snapshot.metadata.term };
    this.#entries = [];
    return 'applied';
  }

  /** Forgets the log through `index`. */
  compact(index: number): 'done' | LogGap {
    if (index <= this.#before.index) return 'compacted';
    const term = this.term(index);
    if (typeof term !== 'number') return term;
    this.#entries = this.#entries.slice(index - this.#before.index);
    this.#before = { index, term };
    return 'done';
  }
}
