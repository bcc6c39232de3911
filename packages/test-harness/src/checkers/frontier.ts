import type { RegisterCall } from './register-call.ts';

/** One way in which the history so far may have happened. */
export interface Configuration {
  /** Number of the value that the register holds. */
  readonly state: number;
  /** Bit set, by slot, of the calls under way that have taken effect already and have a known outcome. */
  readonly known: bigint;
  /** Bit set of the calls of unknown outcome that have taken effect. */
  readonly unknown: bigint;
  /** The call that took effect last, and the configuration before it; for the witness. */
  readonly last: RegisterCall | undefined;
  readonly before: Configuration | undefined;
}

/**
 * The configurations that are worth following. Of two with the same state and the same known calls, one that used up
 * fewer of the unknown calls can do whatever the other can, so only the least are kept: without this, every unknown write
 * would double the work for ever.
 */
export class Frontier {
  readonly #groups = new Map<string, Configuration[]>();
  #comparisons = 0;

  /** How many configurations have been compared so far: the work that a crowded frontier makes. */
  get comparisons(): number {
    return this.#comparisons;
  }

  /** Takes a configuration in, unless one as good is here; says whether it did. */
  add(configuration: Configuration): boolean {
    const { state, known, unknown } = configuration;
    const key = `${state} ${known}`;
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, [configuration]);
      return true;
    }
    this.#comparisons += group.length;
    if (group.some((other) => (other.unknown & unknown) === other.unknown)) return false;
    const kept = group.filter((other) => (other.unknown & unknown) !== unknown);
    this.#groups.set(key, [...kept, configuration]);
    return true;
  }

  /** The configurations that are here. */
  list(): Configuration[] {
    return [...this.#groups.values()].flat();
  }
}
