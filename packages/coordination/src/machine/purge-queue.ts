import type { KeyHistory, Version } from './key-index.ts';

/** A change that no revision from `obsoleteAt` on needs. */
export interface ObsoleteVersion {
  readonly obsoleteAt: number;
  readonly history: KeyHistory;
  readonly version: Version;
}

/**
 * Changes in the order in which compaction makes them obsolete. That order follows from the records alone: a change is
 * obsolete once the revision of the next change of its key is compacted, a deletion once its own is no longer readable.
 */
export class PurgeQueue {
  #items: (ObsoleteVersion | undefined)[] = [];
  #first = 0;
  #purged = 0;
  /** Deletions of the revision that is being written: obsolete later than all that it replaces. */
  #deletions: ObsoleteVersion[] = [];

  /** Tells of a change, in the order of the history; `previous` is the one of the same key before it. */
  add(history: KeyHistory, version: Version, previous: Version | undefined): void {
    const { revision } = version;
    this.#endRevisionsBefore(revision);
    // A deletion is queued already, for the revision after its own.
    if (previous !== undefined && (previous.version > 0 || previous.revision === revision)) {
      if (previous.version === 0) this.#deletions = this.#deletions.filter((item) => item.version !== previous);
      this.#items.push({ obsoleteAt: revision, history, version: previous });
    }
    if (version.version === 0) this.#deletions.push({ obsoleteAt: revision + 1, history, version });
  }

  /** Changes taken so far. */
  get purged(): number {
    return this.#purged;
  }

  /** Whether anything is obsolete at `compactRevision`. */
  has(compactRevision: number): boolean {
    this.#endRevisionsBefore(compactRevision);
    const head = this.#items[this.#first];
    return head !== undefined && head.obsoleteAt <= compactRevision;
  }

  /** Takes the oldest change that is obsolete at `compactRevision`. */
  take(compactRevision: number): ObsoleteVersion | undefined {
    if (!this.has(compactRevision)) return undefined;
    const head = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first += 1;
    this.#purged += 1;
    if (this.#first >= 1_024 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return head;
  }

  #endRevisionsBefore(revision: number): void {
    const [deletion] = this.#deletions;
    if (deletion === undefined || deletion.version.revision >= revision) return;
    for (const item of this.#deletions) this.#items.push(item);
    this.#deletions = [];
  }
}
