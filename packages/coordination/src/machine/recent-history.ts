import type { KeyText, Version } from './key-index.ts';

/** One change as subscribers are told of it. */
export interface HistoryEvent {
  readonly key: KeyText;
  readonly version: Version;
  /** The key's change before this one; a deletion or none when the key was not there. */
  readonly previous: Version | undefined;
}

/** The changes of one revision, in order: the place of each is its `sub`. */
export interface RevisionEvents {
  readonly revision: number;
  readonly events: readonly HistoryEvent[];
}

/** What an event takes up beside its record, roughly. */
const eventOverheadBytes = 200;

/**
 * The latest revisions, without a gap, bounded by bytes; older ones are read from the database.
 *
 * Invariant: a revision that is not in the database yet is here.
 */
export class RecentHistory {
  readonly #maxBytes: number;
  #revisions: (RevisionEvents | undefined)[] = [];
  #first = 0;
  #firstRevision: number;
  #bytes = 0;
  #writtenRevision: number;

  /** `revision` is the store's own; what follows it is kept, up to about `maxBytes`. */
  constructor(revision: number, maxBytes: number) {
    this.#firstRevision = revision + 1;
    this.#writtenRevision = revision;
    this.#maxBytes = maxBytes;
  }

  /** The oldest revision that is here; the next one to come when none is. */
  get firstRevision(): number {
    return this.#firstRevision;
  }

  get lastRevision(): number {
    return this.#firstRevision + this.#revisions.length - this.#first - 1;
  }

  /** The revision, which has to be from `firstRevision` to `lastRevision`. */
  get(revision: number): RevisionEvents {
    return this.#revisions[this.#first + revision - this.#firstRevision] as RevisionEvents;
  }

  /** Adds the revision after the last one. */
  push(entry: RevisionEvents): void {
    this.#revisions.push(entry);
    this.#bytes += sizeOf(entry);
    this.#evict();
  }

  /** Everything up to the last revision is in the database. */
  written(): void {
    this.#writtenRevision = this.lastRevision;
    this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes && this.#firstRevision <= this.#writtenRevision) {
      const oldest = this.#revisions[this.#first] as RevisionEvents;
      this.#bytes -= sizeOf(oldest);
      for (const { version } of oldest.events) version.record = undefined;
      this.#revisions[this.#first] = undefined;
      this.#first += 1;
      this.#firstRevision += 1;
    }
    if (this.#first < 1_024 || this.#first * 2 < this.#revisions.length) return;
    this.#revisions = this.#revisions.slice(this.#first);
    this.#first = 0;
  }
}

function sizeOf(entry: RevisionEvents): number {
  return entry.events.reduce((sum, { version }) => sum + eventOverheadBytes + (version.record?.length ?? 0), 0);
}
