/**
 * How far the log is being applied: `applying` has been handed out, `applied` acknowledged, and what lies between is
 * bounded in bytes.
 *
 * Invariant: applied ≤ applying. A hand-out that was cut short closes the window until an acknowledgement brings what is
 * outstanding below the limit.
 */
export class ApplyWindow {
  readonly #maxBytes: number;
  #applied: number;
  #applying: number;
  #outstanding = 0;
  #closed = false;

  constructor(applied: number, maxBytes: number) {
    this.#applied = applied;
    this.#applying = applied;
    this.#maxBytes = maxBytes;
  }

  get applied(): number {
    return this.#applied;
  }

  get applying(): number {
    return this.#applying;
  }

  /** Bytes that may still be handed out. */
  get room(): number {
    return this.#maxBytes - this.#outstanding;
  }

  /** Whether something up to `appliable` can be handed out. */
  isOpen(appliable: number): boolean {
    return !this.#closed && this.#applying < appliable;
  }

  accept(index: number, bytes: number, appliable: number): void {
    this.#applying = index;
    this.#outstanding += bytes;
    this.#closed = this.#outstanding >= this.#maxBytes || index < appliable;
  }

  acknowledge(index: number, bytes: number): void {
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#outstanding = Math.max(0, this.#outstanding - bytes);
    this.#closed = this.#outstanding >= this.#maxBytes;
  }
}
