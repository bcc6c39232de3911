/** The calls that one run of a store has been given and has not answered. */
export class CallLedger {
  readonly #open = new Map<number, { readonly what: string; readonly onLost: () => void }>();
  #lastId = 0;

  /** Calls without an answer. */
  get openCount(): number {
    return this.#open.size;
  }

  /** What was asked for and is without an answer, oldest first. */
  open(): string[] {
    return [...this.#open.values()].map(({ what }) => what);
  }

  /** Notes a call; `onLost` hears if the store ends before it has answered. Returns what notes the answer. */
  begin(what: string, onLost: () => void): () => void {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#open.set(id, { what, onLost });
    return () => this.#open.delete(id);
  }

  /** The store has ended: nothing that is open will be answered. */
  end(): void {
    const lost = [...this.#open.values()];
    this.#open.clear();
    for (const { onLost } of lost) onLost();
  }
}
