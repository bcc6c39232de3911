/**
 * Keeps a resource safe from former holders of a lock: remembers the highest fencing token that it has seen of each lock, and
 * refuses lower ones. For stores that have no transactions with the lock; it belongs where the writes are done, and what it
 * remembers has to last as long as the resource.
 */
export class TokenFence {
  readonly #highest: Map<string, bigint>;

  /** @param highest What was remembered before, by the lock's name. */
  constructor(highest: Iterable<readonly [string, bigint]> = []) {
    this.#highest = new Map(highest);
  }

  /** Whether a write under `token` may be done; if so, none under a lower one may be any more. */
  admit(lock: string, token: bigint): boolean {
    if (token < (this.#highest.get(lock) ?? 0n)) return false;
    this.#highest.set(lock, token);
    return true;
  }

  /** What is to be remembered. */
  highest(): readonly (readonly [string, bigint])[] {
    return [...this.#highest];
  }
}
