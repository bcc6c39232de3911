import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import { untilAborted } from './call-deadline.ts';
import type { RawClientConfig } from './config.ts';
import { type CachedRegion, RegionCache } from './region-cache.ts';

/** Finds the region of a key: in the cache, else at the scheduler. */
export class RegionDirectory {
  readonly cache: RegionCache;
  readonly #scheduler: SchedulerClient;
  readonly #config: RawClientConfig;
  readonly #logger: Runtime['logger'];
  readonly #closing = new AbortController();
  #lookup: Promise<void> | undefined;

  constructor(scheduler: SchedulerClient, config: RawClientConfig, runtime: Runtime) {
    this.#scheduler = scheduler;
    this.#config = config;
    this.#logger = runtime.logger;
    this.cache = new RegionCache(config.maxCachedRegions);
  }

  /**
   * The region that holds `key`; `undefined` when the scheduler knows none there yet.
   *
   * Callers share look-ups, one at a time, so that a cold start does not flood the scheduler; the signal ends only the
   * caller's own wait.
   *
   * @throws {SchedulerError} when the scheduler cannot be asked; the signal's reason when it aborts first.
   */
  async locate(key: Uint8Array, signal: AbortSignal): Promise<CachedRegion | undefined> {
    while (true) {
      const cached = this.cache.find(key);
      if (cached !== undefined) return cached;
      if (this.#lookup === undefined) {
        const own = this.#lookUp(key).finally(() => {
          this.#lookup = undefined;
        });
        this.#lookup = own;
        await untilAborted(own, signal);
        return this.cache.find(key);
      }
      // Another caller's look-up, whose failure is that caller's to tell: then we try ourselves.
      await untilAborted(
        this.#lookup.catch(() => {}),
        signal,
      );
    }
  }

  close(): void {
    this.#closing.abort(new Error('the client was closed'));
    this.cache.clear();
  }

  async #lookUp(key: Uint8Array): Promise<void> {
    const { regionsPerLookup } = this.#config;
    const found = await this.#scheduler.scanRegions(key, new Uint8Array(), regionsPerLookup, this.#closing.signal);
    for (const { region, leader } of found) this.cache.insert(region, leader);
    this.#logger.debug('asked the scheduler for regions', { found: found.length });
  }
}
