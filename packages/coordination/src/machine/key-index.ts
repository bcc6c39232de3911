import { createRequire } from 'node:module';
import { asBuffer } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import type { default as SortedBTree } from 'sorted-btree';
import type { RecordPlace } from './record-key.ts';

// A default import of this CommonJS package is the class under vitest and its module under Node; `require` is the module always.
const BTree = (createRequire(import.meta.url)('sorted-btree') as typeof SortedBTree).default;

/** A key as a string of one character for each byte: strings compare as the bytes do, and are the faster keys of maps. */
export type KeyText = string;

/** The key as a string. */
export function textOf(key: Uint8Array): KeyText {
  return asBuffer(key).toString('latin1');
}

/** The string as a key. */
export function keyOf(text: KeyText): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Above every key. */
export const endOfKeys: KeyText = '\u0100';

/** One key, or the keys from `start` up to but without `end`. */
export interface TextRange {
  readonly start: KeyText;
  /** `undefined` for `start` alone. */
  readonly end: KeyText | undefined;
}

/** A range as etcd's messages have it: no end for one key, a zero byte for the end of the key space. */
export function textRangeOf(key: Uint8Array, rangeEnd: Uint8Array): TextRange {
  if (rangeEnd.length === 0) return { start: textOf(key), end: undefined };
  return { start: textOf(key), end: rangeEnd.length === 1 && rangeEnd[0] === 0 ? endOfKeys : textOf(rangeEnd) };
}

/** Whether the range holds the key. */
export function isInTextRange(key: KeyText, range: TextRange): boolean {
  return range.end === undefined ? key === range.start : key >= range.start && key < range.end;
}

/** What the index knows of one change of one key; the rest is in its record. */
export interface Version extends RecordPlace {
  readonly createRevision: number;
  /** Writes since the key was made; 0 marks a deletion. */
  readonly version: number;
  readonly lease: bigint;
  /** The record, for as long as the change is recent or not in the database yet. */
  record: Uint8Array | undefined;
}

/** One key and its changes, of which the oldest ones may be purged. */
export class KeyHistory {
  readonly key: KeyText;
  #versions: Version[] = [];
  #first = 0;

  constructor(key: KeyText) {
    this.key = key;
  }

  /** The last change; a history that the index holds is never empty. */
  get last(): Version {
    return this.#versions[this.#versions.length - 1] as Version;
  }

  /** The last change, unless it deleted the key. */
  get live(): Version | undefined {
    const last = this.last;
    return last.version === 0 ? undefined : last;
  }

  get isEmpty(): boolean {
    return this.#first === this.#versions.length;
  }

  add(version: Version): void {
    this.#versions.push(version);
  }

  /** Takes the oldest change away, which has to be `version`. */
  purge(version: Version): void {
    assert(this.#versions[this.#first] === version, 'only the oldest change of a key can be purged', {
      revision: version.revision,
    });
    this.#first += 1;
    if (this.#first < 16 || this.#first * 2 < this.#versions.length) return;
    this.#versions = this.#versions.slice(this.#first);
    this.#first = 0;
  }

  /** The last change of a revision up to `revision`. */
  at(revision: number): Version | undefined {
    return this.before({ revision: revision + 1, sub: 0 });
  }

  /** The last change before a place in the history. */
  before(place: RecordPlace): Version | undefined {
    let low = this.#first;
    let high = this.#versions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { revision, sub } = this.#versions[middle] as Version;
      if (revision < place.revision || (revision === place.revision && sub < place.sub)) low = middle + 1;
      else high = middle;
    }
    return low === this.#first ? undefined : this.#versions[low - 1];
  }
}

/** Every key that has a change which is not purged, in byte order. */
export class KeyIndex {
  readonly #tree = new BTree<KeyText, KeyHistory>(undefined, (left, right) =>
    left < right ? -1 : left > right ? 1 : 0,
  );

  /** Keys held, deleted ones too. */
  get size(): number {
    return this.#tree.size;
  }

  get(key: KeyText): KeyHistory | undefined {
    return this.#tree.get(key);
  }

  /** The history of a key, made when there is none; a change has to be added to it at once. */
  getOrMake(key: KeyText): KeyHistory {
    const found = this.#tree.get(key);
    if (found !== undefined) return found;
    const made = new KeyHistory(key);
    this.#tree.set(key, made);
    return made;
  }

  remove(history: KeyHistory): void {
    this.#tree.delete(history.key);
  }

  /** Calls `visit` for each key of the range, in order; the index must not change meanwhile. */
  forEach(range: TextRange, visit: (history: KeyHistory) => void): void {
    if (range.end === undefined) {
      const found = this.#tree.get(range.start);
      if (found !== undefined) visit(found);
    } else if (range.start < range.end) {
      this.#tree.forRange(range.start, range.end, false, (_key, history) => visit(history));
    }
  }
}
