/** Admits at most so many at a time; one waits for a place, nobody queues behind it. */
export class Slots {
  readonly #capacity: number;
  #used = 0;
  #wake: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Takes a place, waiting for one if need be. Only one caller may wait at a time. */
  async take(): Promise<void> {
    while (this.#used >= this.#capacity) await this.#change();
    this.#used += 1;
  }

  free(): void {
    this.#used -= 1;
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
