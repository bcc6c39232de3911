import { assert } from '@flotilla/runtime';
import type { Entry, Snapshot } from '../message.ts';
import type { LogGap, RaftStorage } from '../storage.ts';
import { ApplyWindow } from './apply-window.ts';
import { countWithin, entriesSize } from './entry-size.ts';
import { UnstableLog } from './unstable-log.ts';

/** Where two logs may meet: an index and its term, the latter 0 when it cannot be told. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

const noEntries: readonly Entry[] = Object.freeze([]);

/**
 * The replicated log: what storage has, followed by what is not stable yet.
 *
 * Invariant: applied ≤ applying ≤ committed ≤ last index.
 */
export class RaftLog {
  readonly #storage: RaftStorage;
  readonly #unstable: UnstableLog;
  readonly #window: ApplyWindow;
  #committed: number;
  /** The last slice of unstable entries: a broadcast and the Ready that follows it ask for the same one. */
  #sliceLow = 0;
  #sliceHigh = 0;
  #slice: readonly Entry[] = noEntries;

  /** @param maxApplyingBytes encoded bytes that may be handed out to be applied and not be acknowledged. */
  constructor(storage: RaftStorage, maxApplyingBytes: number) {
    this.#storage = storage;
    this.#unstable = new UnstableLog(storage.lastIndex() + 1);
    this.#committed = storage.firstIndex() - 1;
    this.#window = new ApplyWindow(this.#committed, maxApplyingBytes);
  }

  get committed(): number {
    return this.#committed;
  }

  /** Last index acknowledged as applied. */
  get applied(): number {
    return this.#window.applied;
  }

  /** Last index handed out to be applied. */
  get applying(): number {
    return this.#window.applying;
  }

  /** The snapshot that is not stable yet. Nothing behind it can be applied, and no election be begun, before it is. */
  get pendingSnapshot(): Snapshot | undefined {
    return this.#unstable.snapshot;
  }

  firstIndex(): number {
    return this.#unstable.firstIndex() ?? this.#storage.firstIndex();
  }

  lastIndex(): number {
    return this.#unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    assert(typeof term === 'number', 'the last term of the log is unknown', { index: this.lastIndex(), gap: term });
    return term;
  }

  /** The term at `index`, known from one before the first index on. */
  term(index: number): number | LogGap {
    const known = this.#unstable.term(index);
    if (known !== undefined) return known;
    if (index + 1 < this.firstIndex()) return 'compacted';
    if (index > this.lastIndex()) return 'unavailable';
    return this.#storage.term(index);
  }

  matchesTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends with (`index`, `term`) is at least as complete as this one. Source: Raft paper, 5.4.1. */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex());
  }

  /** The largest index ≤ `index` whose term is ≤ `term`; a term that cannot be told counts as matching. */
  findConflictByTerm(index: number, term: number): LogPosition {
    for (let probe = index; probe > 0; probe -= 1) {
      const own = this.term(probe);
      if (typeof own !== 'number') return { index: probe, term: 0 };
      if (own <= term) return { index: probe, term: own };
    }
    return { index: 0, term: 0 };
  }

  /** Entries from `low` to the end that fit in `maxBytes`, the first always; none past the end. */
  entriesFrom(low: number, maxBytes: number): readonly Entry[] | 'compacted' {
    const last = this.lastIndex();
    return low > last ? noEntries : this.entries(low, last + 1, maxBytes);
  }

  /** Entries of [low, high) that fit in `maxBytes`, the first always. The array is shared: nobody modifies it. */
  entries(low: number, high: number, maxBytes: number): readonly Entry[] | 'compacted' {
    if (low >= high) return noEntries;
    if (low < this.firstIndex()) return 'compacted';
    const { offset } = this.#unstable;
    if (low >= offset) return limited(this.#unstableSlice(low, high), maxBytes);
    const cut = Math.min(high, offset);
    const stored = this.#storage.entries(low, cut, maxBytes);
    if (stored === 'compacted') return stored;
    assert(stored !== 'unavailable', 'storage lacks entries below its last index', { low, cut });
    if (high <= offset || stored.length < cut - low) return stored;
    const room = maxBytes - entriesSize(stored);
    if (room <= 0) return stored;
    const rest = this.#unstableSlice(offset, high);
    const count = countWithin(rest, room);
    // The first entry of `rest` is not the first of the answer, so it has no privilege.
    if (count === 1 && entriesSize(rest.slice(0, 1)) > room) return stored;
    return stored.concat(rest.slice(0, count));
  }

  /** Adds entries behind the last index or in place of uncommitted ones; answers the last index. */
  append(entries: readonly Entry[]): number {
    if (entries.length > 0) {
      assert(entries[0]!.index > this.#committed, 'a committed entry was to be replaced', {
        index: entries[0]!.index,
        committed: this.#committed,
      });
      // A slice that ends before the new entries would do, but telling is not worth it.
      this.#dropSlice();
      this.#unstable.truncateAndAppend(entries);
    }
    return this.lastIndex();
  }

  /**
   * Takes in what a leader sent: entries behind (`previous`, `previousTerm`). Drops own entries only from the first
   * conflict on: a late message must not undo a later one. False when the log does not hold the previous entry.
   *
   * Source: Raft paper, figure 2, AppendEntries 2–4.
   */
  tryAppend(previous: number, previousTerm: number, entries: readonly Entry[]): boolean {
    if (!this.matchesTerm(previous, previousTerm)) return false;
    let known = 0;
    while (known < entries.length && this.matchesTerm(entries[known]!.index, entries[known]!.term)) known += 1;
    if (known < entries.length) this.append(known === 0 ? entries : entries.slice(known));
    return true;
  }

  /** Raises the commit index; never lowers it. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    assert(index <= this.lastIndex(), 'the commit index is past the end of the log: entries were lost', {
      index,
      lastIndex: this.lastIndex(),
    });
    this.#committed = index;
  }

  /** Whether there is an entry or a snapshot that has not been handed out to be stored. */
  hasNextUnstable(): boolean {
    return this.#unstable.hasNextEntries() || this.#unstable.nextSnapshot() !== undefined;
  }

  /** Whether any entry is not known to be stable, handed out or not. */
  hasUnstableEntries(): boolean {
    return this.#unstable.hasEntries();
  }

  /** Entries that have not been handed out to be stored. */
  nextUnstableEntries(): readonly Entry[] {
    if (!this.#unstable.hasNextEntries()) return noEntries;
    return this.#unstableSlice(this.#unstable.nextIndex, this.lastIndex() + 1);
  }

  nextUnstableSnapshot(): Snapshot | undefined {
    return this.#unstable.nextSnapshot();
  }

  acceptUnstable(): void {
    this.#unstable.acceptInProgress();
  }

  stableTo(index: number, term: number): void {
    this.#unstable.stableTo(index, term);
    if (!this.#unstable.hasEntries()) this.#dropSlice();
  }

  stableSnapshotTo(index: number): void {
    this.#unstable.stableSnapshotTo(index);
  }

  /** Whether there are committed entries to hand out; `allowUnstable` counts those that are not stable yet. */
  hasNextCommitted(allowUnstable: boolean): boolean {
    return this.#unstable.snapshot === undefined && this.#window.isOpen(this.#appliable(allowUnstable));
  }

  /** Committed entries to hand out next. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return noEntries;
    const entries = this.entries(this.applying + 1, this.#appliable(allowUnstable) + 1, this.#window.room);
    assert(entries !== 'compacted', 'entries were compacted before they were applied', { applying: this.applying });
    return entries;
  }

  /** Marks `entries` as handed out. */
  acceptCommitted(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries[entries.length - 1]!.index;
    this.#window.accept(last, entriesSize(entries), this.#appliable(allowUnstable));
  }

  /** Marks entries through `index`, `bytes` encoded bytes of them, as applied. */
  appliedTo(index: number, bytes: number): void {
    assert(index <= this.#committed && index >= this.applied, 'applied is out of bounds', {
      index,
      applied: this.applied,
      committed: this.#committed,
    });
    this.#window.acknowledge(index, bytes);
  }

  /** The snapshot to send to a follower that the log no longer reaches; undefined while one is being made. */
  snapshot(): Snapshot | undefined {
    return this.#unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Replaces the log by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.#committed = snapshot.metadata.index;
    this.#dropSlice();
    this.#unstable.restore(snapshot);
  }

  #appliable(allowUnstable: boolean): number {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.#unstable.offset - 1);
  }

  #dropSlice(): void {
    this.#slice = noEntries;
    this.#sliceHigh = 0;
  }

  #unstableSlice(low: number, high: number): readonly Entry[] {
    if (low !== this.#sliceLow || high !== this.#sliceHigh) {
      this.#slice = this.#unstable.slice(low, high);
      this.#sliceLow = low;
      this.#sliceHigh = high;
    }
    return this.#slice;
  }
}

function limited(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  const count = countWithin(entries, maxBytes);
  return count === entries.length ? entries : entries.slice(0, count);
}
