import type { KeyText } from './key-index.ts';

/** A lease as every replica knows it; when it ends is the leader's affair. */
export interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  /** The log's entry that granted it: tells leases apart that had the same id one after the other. */
  readonly grantIndex: number;
  readonly keys: Set<KeyText>;
}

/** Hears of leases that come and go, so that the leader can time them. */
export interface LeaseObserver {
  granted(lease: Lease): void;
  ended(id: bigint): void;
}

/** The leases, and which keys hang on each. */
export class LeaseTable {
  readonly #leases = new Map<bigint, Lease>();
  observer: LeaseObserver | undefined;

  get size(): number {
    return this.#leases.size;
  }

  get(id: bigint): Lease | undefined {
    return this.#leases.get(id);
  }

  /** In no particular order. */
  all(): Iterable<Lease> {
    return this.#leases.values();
  }

  add(id: bigint, ttlSeconds: number, grantIndex: number): void {
    const lease = { id, ttlSeconds, grantIndex, keys: new Set<KeyText>() };
    this.#leases.set(id, lease);
    this.observer?.granted(lease);
  }

  remove(id: bigint): void {
    this.#leases.delete(id);
    this.observer?.ended(id);
  }

  /** Hangs a key on a lease; 0 is none. */
  attach(id: bigint, key: KeyText): void {
    if (id !== 0n) this.#leases.get(id)?.keys.add(key);
  }

  detach(id: bigint, key: KeyText): void {
    if (id !== 0n) this.#leases.get(id)?.keys.delete(key);
  }
}
