import type { Entry, Snapshot } from '../message.ts';

/**
 * The end of the log that storage does not have yet, and a snapshot to be stored before it.
 *
 * What has been handed out to be written stays here, in progress, until storage says that it is durable: between the two,
 * a new leader may replace it.
 *
 * Invariant: `entries[i].index` = `offset` + i; `offset` ≤ `inProgressEnd` ≤ `offset` + `entries.length`; entries from
 * `inProgressEnd` on have not been handed out.
 */
export class UnstableLog {
  #offset: number;
  #entries: Entry[] = [];
  #inProgressEnd: number;
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;

  /** @param offset one past the last index in storage. */
  constructor(offset: number) {
    this.#offset = offset;
    this.#inProgressEnd = offset;
  }

  /** The index that the first unstable entry has, or would have. */
  get offset(): number {
    return this.#offset;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The log's last index, when it is known without storage. */
  lastIndex(): number | undefined {
    return this.#entries.length > 0 ? this.#offset + this.#entries.length - 1 : this.#snapshot?.metadata.index;
  }

  /** The log's first index, when it is known without storage. */
  firstIndex(): number | undefined {
    return this.#snapshot === undefined ? undefined : this.#snapshot.metadata.index + 1;
  }

  /** The term at `index`, when it is known without storage. */
  term(index: number): number | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    const metadata = this.#snapshot?.metadata;
    return metadata !== undefined && metadata.index === index ? metadata.term : undefined;
  }

  /** A copy of the entries of [low, high), all of which are unstable. */
  slice(low: number, high: number): Entry[] {
    return this.#entries.slice(low - this.#offset, high - this.#offset);
  }

  /** Whether there is any entry, handed out or not. */
  hasEntries(): boolean {
    return this.#entries.length > 0;
  }

  /** Whether there is an entry that has not been handed out. */
  hasNextEntries(): boolean {
    return this.#inProgressEnd < this.#offset + this.#entries.length;
  }

  /** First index to hand out next; entries up to the last index follow it. */
  get nextIndex(): number {
    return this.#inProgressEnd;
  }

  /** The snapshot, unless it has been handed out. */
  nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  /** Marks everything as handed out. */
  acceptInProgress(): void {
    this.#inProgressEnd = this.#offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * Forgets entries through `index`, which storage now has. Ignored when another entry has taken the place of the one that
   * was written: `term` tells them apart.
   */
  stableTo(index: number, term: number): void {
    const position = index - this.#offset;
    if (position < 0 || this.#entries[position]?.term !== term) return;
    // A new array rather than a shift: it also lets go of a buffer that has once been large.
    this.#entries = position + 1 === this.#entries.length ? [] : this.#entries.slice(position + 1);
    this.#offset = index + 1;
    this.#inProgressEnd = Math.max(this.#inProgressEnd, this.#offset);
  }

  /** Forgets the snapshot of `index`, which storage now has. */
  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.metadata.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  /** Replaces everything by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.metadata.index + 1;
    this.#inProgressEnd = this.#offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Adds entries, first dropping those from the first new index on. `entries` is copied. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const first = entries[0]!.index;
    const end = this.#offset + this.#entries.length;
    if (first === end) {
      for (const entry of entries) this.#entries.push(entry);
      return;
    }
    if (first <= this.#offset) {
      this.#offset = first;
      this.#inProgressEnd = first;
      this.#entries = entries.slice();
      return;
    }
    this.#entries = this.#entries.slice(0, first - this.#offset);
    for (const entry of entries) this.#entries.push(entry);
    this.#inProgressEnd = Math.min(this.#inProgressEnd, first);
  }
}
