import { setTimeout as sleep } from 'node:timers/promises';
import { type CoordinationBackend, prefixRange, type Watch } from '@flotilla/coordination';
import { percentile, Samples } from '../cluster/statistics.ts';

/** How much of each load there is. */
export interface LoadSizes {
  /** Callers that each have one call under way. */
  readonly clients: number;
  readonly putMs: number;
  readonly watchers: number;
  readonly updates: number;
  readonly instances: number;
}

/** What a load came to. */
export interface LoadResult {
  readonly load: LoadName;
  readonly operations: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The loads, in the order in which they run: each finds what those before it have left. */
export const loadNames = ['put', 'watch', 'register', 'renew', 'discover', 'update'] as const;
/** A load's name. */
export type LoadName = (typeof loadNames)[number];

/** Between two updates that watchers are told of. */
const updatePauseMs = 10;
const discoveries = 20;
const leaseTtlMs = 600_000;
const value = new Uint8Array(256).fill(0x61);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const instanceKey = (index: number): Uint8Array => bytes(`/services/one/${String(index).padStart(6, '0')}`);

/** What registry, locks and configuration do to a backend, in pure form. One after another on one fresh backend. */
export class CoordinationLoad {
  readonly #backend: CoordinationBackend;
  readonly #sizes: LoadSizes;
  readonly #leases: bigint[] = [];

  constructor(backend: CoordinationBackend, sizes: LoadSizes) {
    this.#backend = backend;
    this.#sizes = sizes;
  }

  run(load: LoadName): Promise<LoadResult> {
    switch (load) {
      case 'put':
        return this.#put();
      case 'watch':
        return this.#watch();
      case 'register':
        return this.#register();
      case 'renew':
        return this.#each(load, this.#sizes.instances, (index) =>
          this.#backend.keepLeaseAlive(this.#leases[index] as bigint),
        );
      case 'discover':
        return this.#discover();
      case 'update':
        return this.#each(load, this.#sizes.instances, (index) =>
          this.#backend.put({ key: instanceKey(index), value, keepLease: true }),
        );
    }
  }

  /** Puts to a thousand keys, for a time. */
  async #put(): Promise<LoadResult> {
    const endMs = performance.now() + this.#sizes.putMs;
    return this.#each('put', Number.POSITIVE_INFINITY, (index) =>
      performance.now() < endMs ? this.#backend.put({ key: bytes(`/put/${index % 1_000}`), value }) : undefined,
    );
  }

  /** Each instance with a lease of its own. */
  async #register(): Promise<LoadResult> {
    return this.#each('register', this.#sizes.instances, async (index) => {
      const { leaseId } = await this.#backend.grantLease({ ttlMs: leaseTtlMs });
      this.#leases[index] = leaseId;
      await this.#backend.put({ key: instanceKey(index), value, leaseId });
    });
  }

  /** All instances at once. */
  async #discover(): Promise<LoadResult> {
    const samples = new Samples();
    const startMs = performance.now();
    for (let round = 0; round < discoveries; round += 1) {
      const askedMs = performance.now();
      const { count, kvs } = await this.#backend.range(prefixRange(bytes('/services/one/')));
      if (count !== this.#sizes.instances || kvs.length !== count) throw new Error(`found ${kvs.length} of ${count}`);
      samples.add(performance.now() - askedMs);
    }
    return resultOf('discover', samples, startMs);
  }

  /** Watchers of one prefix, told of updates; a sample is the time from a put's start until one watcher has it. */
  async #watch(): Promise<LoadResult> {
    const { watchers, updates } = this.#sizes;
    const samples = new Samples();
    const watches = Array.from({ length: watchers }, () => this.#backend.watch(prefixRange(bytes('/watched/'))));
    await Promise.all(watches.map((watch) => watch.next()));
    const sentMs: number[] = [];
    const readers = watches.map((watch) => readUpdates(watch, updates, sentMs, samples));
    const startMs = performance.now();
    for (let index = 0; index < updates; index += 1) {
      sentMs.push(performance.now());
      await this.#backend.put({ key: bytes('/watched/key'), value: bytes(String(index)) });
      await sleep(updatePauseMs);
    }
    await Promise.all(readers);
    const result = resultOf('watch', samples, startMs);
    await Promise.all(watches.map((watch) => watch.close()));
    return result;
  }

  /** Runs operations, so many at a time, until there are no more. */
  async #each(
    load: LoadName,
    count: number,
    operate: (index: number) => Promise<unknown> | undefined,
  ): Promise<LoadResult> {
    const samples = new Samples();
    const startMs = performance.now();
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < count) {
        const index = next;
        next += 1;
        const beganMs = performance.now();
        const operation = operate(index);
        if (operation === undefined) return;
        await operation;
        samples.add(performance.now() - beganMs);
      }
    };
    await Promise.all(Array.from({ length: this.#sizes.clients }, client));
    return resultOf(load, samples, startMs);
  }
}

async function readUpdates(watch: Watch, count: number, sentMs: readonly number[], samples: Samples): Promise<void> {
  let seen = 0;
  for await (const update of watch) {
    if (update.type !== 'events') continue;
    const now = performance.now();
    for (const { kv } of update.events) {
      samples.add(now - (sentMs[Number(Buffer.from(kv.value).toString())] ?? now));
      seen += 1;
    }
    if (seen === count) return;
  }
}

function resultOf(load: LoadName, samples: Samples, startMs: number): LoadResult {
  const seconds = (performance.now() - startMs) / 1_000;
  const sorted = samples.sorted();
  return {
    load,
    operations: samples.count,
    seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}
