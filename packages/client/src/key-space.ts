import type { Pair, ScanRange } from './raw-scan.ts';

/** Keys of a kind, kept apart from others in the cluster by a prefix that their users do not see. */
export class KeySpace {
  readonly #prefix: Uint8Array;
  /** The first key behind all that have the prefix; empty for the end of the key space. */
  readonly #end: Uint8Array;

  /** Of plain ASCII; an empty prefix leaves keys as they are. */
  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix, 'ascii');
    const last = this.#prefix.at(-1);
    this.#end = last === undefined ? this.#prefix : Buffer.from([...this.#prefix.subarray(0, -1), last + 1]);
  }

  /** The key as the cluster has it. */
  inner(key: Uint8Array): Uint8Array {
    return this.#prefix.length === 0 ? key : Buffer.concat([this.#prefix, key]);
  }

  /** The key as its user has it, as a view; of a key of this space. */
  outer(key: Uint8Array): Uint8Array {
    return key.subarray(this.#prefix.length);
  }

  /** A user's range as the cluster has it: without bounds it is this space, and no other keys. */
  innerRange({ start, end, limit }: ScanRange): ScanRange {
    const isOpen = end === undefined || end.length === 0;
    return { start: this.inner(start ?? noKey), end: isOpen ? this.#end : this.inner(end), limit };
  }

  outerPairs(pairs: readonly Pair[]): Pair[] {
    return pairs.map(({ key, value }) => ({ key: this.outer(key), value }));
  }

  /**
   * What a range of the cluster holds of this space, as its users have it, an empty key for each end that is open; `undefined`
   * when it holds nothing of it.
   */
  outerRange(range: {
    readonly startKey: Uint8Array;
    readonly endKey: Uint8Array;
  }): { readonly startKey: Uint8Array; readonly endKey: Uint8Array } | undefined {
    const { startKey, endKey } = range;
    const beginsBehind = this.#end.length > 0 && Buffer.compare(startKey, this.#end) >= 0;
    const endsBefore = endKey.length > 0 && Buffer.compare(endKey, this.#prefix) <= 0;
    if (beginsBehind || endsBefore) return undefined;
    const isOpen = endKey.length === 0 || (this.#end.length > 0 && Buffer.compare(endKey, this.#end) >= 0);
    return {
      startKey: Buffer.compare(startKey, this.#prefix) <= 0 ? noKey : this.outer(startKey),
      endKey: isOpen ? noKey : this.outer(endKey),
    };
  }
}

const noKey = new Uint8Array(0);

/** The keys of users, as clients have them unless they are told otherwise. */
export const rawKeyPrefix = 'r';
