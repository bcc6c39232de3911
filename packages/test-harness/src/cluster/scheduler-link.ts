import type { metapb, schedulerpb } from '@flotilla/protocol';
import {
  type BootstrapOutcome,
  type RegionWithLeader,
  type SchedulerClient,
  SchedulerError,
} from '@flotilla/scheduler-client';
import { type NodeRun, never } from './node-run.ts';

/**
 * A store's way to the scheduler, as a worker beside the store makes it: the worker can hang in the middle of its calls and
 * be replaced, and then what was under way fails as `unavailable`, whether or not the scheduler has taken it in.
 */
export class SchedulerLink implements SchedulerClient {
  readonly #inner: SchedulerClient;
  readonly #run: NodeRun;
  readonly #underWay = new Set<(error: SchedulerError) => void>();
  /** Whether the scheduler hears of calls whose answers are held; `undefined` while the worker does its work. */
  #hangs: { readonly isHeard: boolean } | undefined;

  constructor(inner: SchedulerClient, run: NodeRun) {
    this.#inner = inner;
    this.#run = run;
  }

  /** From now on no call is answered until `replace`; the scheduler takes them in if `isHeard`. */
  hang(isHeard: boolean): void {
    this.#hangs = { isHeard };
  }

  /** Another worker takes the place of the one before: its calls fail, new ones come through. */
  replace(): void {
    this.#hangs = undefined;
    const lost = [...this.#underWay];
    this.#underWay.clear();
    for (const fail of lost) fail(new SchedulerError('unavailable', 'the worker that made the call has ended'));
  }

  get clusterId(): number {
    return this.#inner.clusterId;
  }

  get regionHeartbeatResponses(): SchedulerClient['regionHeartbeatResponses'] {
    return this.#inner.regionHeartbeatResponses;
  }

  bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome> {
    return this.#call(() => this.#inner.bootstrap(store, region, signal), signal);
  }

  isBootstrapped(signal?: AbortSignal): Promise<boolean> {
    return this.#call(() => this.#inner.isBootstrapped(signal), signal);
  }

  allocId(signal?: AbortSignal): Promise<number> {
    return this.#call(() => this.#inner.allocId(signal), signal);
  }

  putStore(store: metapb.Store, signal?: AbortSignal): Promise<void> {
    return this.#call(() => this.#inner.putStore(store, signal), signal);
  }

  getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined> {
    return this.#call(() => this.#inner.getStore(storeId, signal), signal);
  }

  getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]> {
    return this.#call(() => this.#inner.getAllStores(signal), signal);
  }

  getRegion(key: Uint8Array, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#call(() => this.#inner.getRegion(key, signal), signal);
  }

  getRegionById(regionId: number, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#call(() => this.#inner.getRegionById(regionId, signal), signal);
  }

  scanRegions(
    startKey: Uint8Array,
    endKey: Uint8Array,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RegionWithLeader[]> {
    return this.#call(() => this.#inner.scanRegions(startKey, endKey, limit, signal), signal);
  }

  askSplit(region: metapb.Region, count: number, signal?: AbortSignal): Promise<schedulerpb.AskSplitResponse> {
    return this.#call(() => this.#inner.askSplit(region, count, signal), signal);
  }

  reportSplit(regions: readonly metapb.Region[], signal?: AbortSignal): Promise<void> {
    return this.#call(() => this.#inner.reportSplit(regions, signal), signal);
  }

  storeHeartbeat(stats: schedulerpb.StoreStats, signal?: AbortSignal): Promise<void> {
    return this.#call(() => this.#inner.storeHeartbeat(stats, signal), signal);
  }

  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    if (this.#hangs?.isHeard !== false && this.#run.step()) this.#inner.regionHeartbeat(heartbeat);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #call<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (!this.#run.step()) return never;
    if (this.#hangs === undefined) return this.#run.answer(call());
    if (this.#hangs.isHeard) await call().catch(() => undefined);
    return new Promise((_, reject) => {
      const fail = (reason: unknown): void => {
        this.#underWay.delete(fail);
        signal?.removeEventListener('abort', giveUp);
        reject(reason);
      };
      const giveUp = (): void => fail(new SchedulerError('unavailable', 'the caller gave up'));
      this.#underWay.add(fail);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted === true) giveUp();
    });
  }
}
