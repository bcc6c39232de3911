/**
 * The time until which a lease can be trusted, in memory that two threads share: who renews the lease writes it, who relies on
 * it reads it, with no message between them. Milliseconds of a clock that both threads read alike, in steps of a microsecond.
 */
export class SharedDeadline {
  /** Goes to another thread as it is: 8 bytes, a signed number of microseconds. */
  readonly memory: SharedArrayBuffer;
  readonly #cell: BigInt64Array;

  /** Over the memory of another thread's deadline, or over memory of its own. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cell = new BigInt64Array(memory);
  }

  get atMs(): number {
    return Number(Atomics.load(this.#cell, 0)) / 1_000;
  }

  /** Rounded down: a deadline is never later than it was set. */
  set atMs(atMs: number) {
    Atomics.store(this.#cell, 0, BigInt(Math.floor(atMs * 1_000)));
  }
}
