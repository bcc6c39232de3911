/** Admits at most so many, of at most so many bytes, at a time; one waits for a place, nobody queues behind it. */
export class Slots {
  readonly #capacity: number;
  readonly #maxBytes: number;
  #used = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes a place for `bytes` bytes, waiting for one if need be; more than there may ever be are admitted alone. Only one caller
   * may wait at a time.
   */
  async take(bytes: number): Promise<void> {
    while (this.#used > 0 && (this.#used >= this.#capacity || this.#bytes + bytes > this.#maxBytes)) {
      await this.#change();
    }
    this.#used += 1;
    this.#bytes += bytes;
  }

  free(bytes: number): void {
    this.#used -= 1;
    this.#bytes -= bytes;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves when no place is taken. */
  async idle(): Promise<void> {
    while (this.#used > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
