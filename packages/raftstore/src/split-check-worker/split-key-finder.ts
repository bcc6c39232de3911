import type { KeyValue } from '@flotilla/engine';

/** What a split check looks for. */
export interface SplitSizes {
  readonly maxBytes: number;
  readonly splitBytes: number;
  readonly maxSplitKeys: number;
}

/**
 * Finds the keys at which a region is to be parted, from its pairs in key order: each part gets as much as fits into
 * `splitBytes`. The last part takes what remains as long as that does not make it too large, so that a region that is
 * below `maxBytes` is left whole.
 */
export class SplitKeyFinder {
  readonly #sizes: SplitSizes;
  #splitKeys: Uint8Array[] = [];
  #bytes = 0;
  #keys = 0;
  /** Bytes behind the last split key. */
  #partBytes = 0;

  constructor(sizes: SplitSizes) {
    this.#sizes = sizes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get keys(): number {
    return this.#keys;
  }

  /** Whether enough keys are found, and the part behind the last one is large enough to stand alone. */
  get isDone(): boolean {
    return this.#splitKeys.length >= this.#sizes.maxSplitKeys && !this.#isLastPartSmall;
  }

  add(pair: KeyValue): void {
    const pairBytes = pair.key.length + pair.value.length;
    const { maxSplitKeys, splitBytes } = this.#sizes;
    const hasRoom = this.#splitKeys.length < maxSplitKeys;
    if (hasRoom && this.#partBytes > 0 && this.#partBytes + pairBytes > splitBytes) {
      this.#splitKeys.push(pair.key);
      this.#partBytes = 0;
    }
    this.#partBytes += pairBytes;
    this.#bytes += pairBytes;
    this.#keys += 1;
  }

  /** The split keys, once all pairs were added. */
  finish(): Uint8Array[] {
    return this.#isLastPartSmall ? this.#splitKeys.slice(0, -1) : this.#splitKeys;
  }

  get #isLastPartSmall(): boolean {
    return this.#partBytes + this.#sizes.splitBytes < this.#sizes.maxBytes;
  }
}
