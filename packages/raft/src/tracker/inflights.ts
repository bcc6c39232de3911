import { assert } from '@flotilla/runtime';

/** The ring of every window that has never been used. Replaced, never written to. */
const noNumbers: number[] = [];

/**
 * The append messages that one follower has not yet acknowledged: a window bounded by their number and their bytes.
 *
 * A ring of (last index, bytes) pairs that grows as needed, so that an idle group holds no buffer.
 */
export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #indexes: number[] = noNumbers;
  #sizes: number[] = noNumbers;
  #start = 0;
  #count = 0;
  #bytes = 0;

  /** @param maxBytes payload bytes; the message that reaches the limit is still sent. */
  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  /** How many messages are on their way. */
  get count(): number {
    return this.#count;
  }

  /** Whether nothing more may be sent until something is acknowledged. */
  isFull(): boolean {
    return this.#count >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  /**
   * Records a message that ends with entry `lastIndex`. Indexes never decrease from one call to the next.
   *
   * @throws {InvariantError} when full.
   */
  add(lastIndex: number, bytes: number): void {
    assert(!this.isFull(), 'an append was sent past a full window', { lastIndex });
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = lastIndex;
    this.#sizes[slot] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Frees every message whose last entry is at or below `index`. */
  freeThrough(index: number): void {
    const capacity = this.#indexes.length;
    while (this.#count > 0 && this.#indexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % capacity;
      this.#count -= 1;
    }
  }

  /** Frees every message. */
  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const capacity = this.#indexes.length;
    const indexes = new Array<number>(Math.max(4, capacity * 2)).fill(0);
    const sizes = new Array<number>(indexes.length).fill(0);
    for (let offset = 0; offset < this.#count; offset += 1) {
      indexes[offset] = this.#indexes[(this.#start + offset) % capacity]!;
      sizes[offset] = this.#sizes[(this.#start + offset) % capacity]!;
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
