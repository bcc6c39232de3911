import type { EngineReader } from '@flotilla/engine';
import { metapb, type schedulerpb } from '@flotilla/protocol';
import type { Clock } from '@flotilla/runtime';
import { mergeStore, refuseTombstone, SchedulerError } from '@flotilla/scheduler-client';
import type { SchedulerConfig } from './config.ts';
import { decodeStored, layoutKeys, storeRange } from './data-layout.ts';
import type { DurableWriter } from './durable-writer.ts';

/**
 * How long a store has been silent, in words; `silent` before its first heartbeat to this process, until it is `down` by
 * the time since the process began.
 */
export type StoreLiveness = 'up' | 'disconnected' | 'unhealthy' | 'down' | 'silent';

/** A store with what its last heartbeat told. */
export interface StoreView {
  readonly store: metapb.Store;
  readonly stats: schedulerpb.StoreStats | undefined;
  readonly liveness: StoreLiveness;
  /** Since its last heartbeat; undefined before the first to this process. */
  readonly silentMs: number | undefined;
}

interface StoreEntry {
  readonly store: metapb.Store;
  readonly stats?: schedulerpb.StoreStats;
  /** Monotonic milliseconds. */
  readonly heardAtMs?: number;
}

/** The stores of the cluster: who they are, durably, and how they fare, in memory only. */
export class StoreRegistry {
  readonly #writer: DurableWriter;
  readonly #clock: Clock;
  readonly #config: SchedulerConfig;
  readonly #stores = new Map<number, StoreEntry>();
  readonly #startedAtMs: number;

  constructor(writer: DurableWriter, clock: Clock, config: SchedulerConfig) {
    this.#writer = writer;
    this.#clock = clock;
    this.#config = config;
    this.#startedAtMs = clock.monotonicMs();
  }

  async load(reader: EngineReader): Promise<void> {
    for await (const pairs of reader.iterate(storeRange)) {
      for (const { value } of pairs) this.remember(decodeStored(metapb.Store, value, 'a store'));
    }
  }

  /** Takes in a store that is durable already. */
  remember(store: metapb.Store): void {
    this.#stores.set(store.id, { ...this.#stores.get(store.id), store });
  }

  /**
   * Adds a store or changes its address. Calls must not overlap.
   *
   * @throws {SchedulerError} with code `storeTombstone`, or `invalidArgument` when another store has the address.
   */
  async put(store: metapb.Store): Promise<void> {
    const merged = mergeStore(this.#stores.get(store.id)?.store, checkStore(store));
    for (const { store: other } of this.#stores.values()) {
      const isRival = other.id !== store.id && other.state !== metapb.StoreState.Tombstone;
      if (isRival && other.address !== '' && other.address === store.address) {
        throw new SchedulerError('invalidArgument', `store.address: ${store.address} belongs to store ${other.id}`);
      }
    }
    await this.#writer.write((batch) => batch.put(layoutKeys.store(store.id), metapb.Store.encode(merged)));
    this.remember(merged);
  }

  get(storeId: number): StoreView | undefined {
    const entry = this.#stores.get(storeId);
    return entry === undefined ? undefined : this.#view(entry);
  }

  /** Every store by rising id. */
  all(): StoreView[] {
    const entries = [...this.#stores.values()].sort((left, right) => left.store.id - right.store.id);
    return entries.map((entry) => this.#view(entry));
  }

  /** @throws {SchedulerError} with code `storeTombstone`, or `invalidArgument` when the store was never put. */
  heartbeat(stats: schedulerpb.StoreStats): void {
    const entry = this.#stores.get(stats.storeId);
    if (entry === undefined) {
      throw new SchedulerError('invalidArgument', `stats.storeId: store ${stats.storeId} was never put`);
    }
    refuseTombstone(entry.store);
    this.#stores.set(stats.storeId, { store: entry.store, stats, heardAtMs: this.#clock.monotonicMs() });
  }

  #view(entry: StoreEntry): StoreView {
    const silentMs = entry.heardAtMs === undefined ? undefined : this.#clock.monotonicMs() - entry.heardAtMs;
    return { store: entry.store, stats: entry.stats, liveness: this.#liveness(silentMs), silentMs };
  }

  #liveness(silentMs: number | undefined): StoreLiveness {
    if (silentMs === undefined) {
      const startedMs = this.#clock.monotonicMs() - this.#startedAtMs;
      return startedMs > this.#config.storeDownAfterMs ? 'down' : 'silent';
    }
    if (silentMs > this.#config.storeDownAfterMs) return 'down';
    if (silentMs > this.#config.storeUnhealthyAfterMs) return 'unhealthy';
    return silentMs > this.#config.storeDisconnectedAfterMs ? 'disconnected' : 'up';
  }
}

/** @throws {SchedulerError} with code `invalidArgument` when the store has no id. */
export function checkStore(store: metapb.Store): metapb.Store {
  if (!Number.isSafeInteger(store.id) || store.id < 1) {
    throw new SchedulerError('invalidArgument', `store.id is ${store.id}; it must be at least 1`);
  }
  return store;
}
