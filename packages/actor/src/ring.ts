/**
 * A first-in first-out queue over a circular array that doubles when it is full; push and shift are O(1) amortised.
 *
 * Invariant: the array's size is a power of two, and slots outside [head, head + length) are undefined, so that nothing
 * that has left the queue is kept alive by it.
 */
export class Ring<Item> {
  #slots: (Item | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the oldest item; undefined when the ring is empty. */
  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    return item;
  }

  /** Moves up to `most` of the oldest items to the end of `into`; returns how many. */
  drain(into: Item[], most: number): number {
    const count = Math.min(most, this.#length);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let head = this.#head;
    for (let moved = 0; moved < count; moved += 1) {
      into.push(slots[head] as Item);
      slots[head] = undefined;
      head = (head + 1) & mask;
    }
    this.#head = head;
    this.#length -= count;
    return count;
  }

  #grow(): void {
    const size = this.#slots.length;
    const items = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
    this.#slots = [...items, ...new Array<undefined>(size).fill(undefined)];
    this.#head = 0;
  }
}
