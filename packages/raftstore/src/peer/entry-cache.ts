import type { Entry } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';

/**
 * The newest entries of one region's log, for the core, which reads what followers still need.
 *
 * Invariant: indexes are consecutive. Bounded in bytes, except that entries whose write is under way stay: the disk cannot
 * give them back yet.
 */
export class EntryCache {
  readonly #maxBytes: number;
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of payloads held. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Index of the oldest entry held; `undefined` when there is none. */
  get firstIndex(): number | undefined {
    return this.#entries[this.#head]?.index;
  }

  get(index: number): Entry | undefined {
    const first = this.firstIndex;
    if (first === undefined || index < first) return undefined;
    return this.#entries[this.#head + index - first];
  }

  /** Appends entries; those it held from their first index on are replaced. */
  append(entries: readonly Entry[]): void {
    const next = entries[0];
    if (next === undefined) return;
    const last = this.#entries.at(-1);
    if (last !== undefined && this.#entries.length > this.#head) {
      assert(next.index <= last.index + 1, 'the entry cache has no gaps', { last: last.index, next: next.index });
      this.#truncateFrom(next.index);
    }
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** Drops entries up to `index`, both for a compacted log and for one that is replaced by a snapshot. */
  dropThrough(index: number): void {
    for (let entry = this.#entries[this.#head]; entry !== undefined; entry = this.#entries[this.#head]) {
      if (entry.index > index) break;
      this.#drop(entry);
    }
    this.#shrink();
  }

  /** Drops the oldest entries while there is too much, none above `persistedIndex`. */
  trim(persistedIndex: number): void {
    for (let entry = this.#entries[this.#head]; entry !== undefined; entry = this.#entries[this.#head]) {
      if (this.#bytes <= this.#maxBytes || entry.index > persistedIndex) break;
      this.#drop(entry);
    }
    this.#shrink();
  }

  #truncateFrom(index: number): void {
    for (let last = this.#entries.at(-1); last !== undefined; last = this.#entries.at(-1)) {
      if (this.#entries.length <= this.#head || last.index < index) break;
      this.#entries.pop();
      this.#bytes -= last.data.length;
    }
  }

  #drop(entry: Entry): void {
    this.#head += 1;
    this.#bytes -= entry.data.length;
  }

  #shrink(): void {
    if (this.#head === 0 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}
