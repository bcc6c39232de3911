import type { metapb, schedulerpb } from '@flotilla/protocol';
import type { Timers } from '@flotilla/runtime';
import {
  type BootstrapOutcome,
  isSchedulerError,
  type RegionWithLeader,
  refuseIfAborted,
  type SchedulerClient,
  SchedulerError,
} from '@flotilla/scheduler-client';
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { SchedulerCore } from './scheduler-core.ts';

/**
 * A store's client to a scheduler in the same process. Closing it leaves the core open. Answers to heartbeats arrive
 * after the sender has returned, never within.
 */
export class LocalSchedulerClient implements SchedulerClient {
  readonly #core: SchedulerCore;
  readonly #timers: Timers;
  readonly #responses = new Subject<schedulerpb.RegionHeartbeatResponse>();
  readonly #orders: Subscription;
  /** The store that reports through this client; 0 before its first report. */
  #storeId = 0;
  #isClosed = false;

  constructor(core: SchedulerCore, timers: Timers) {
    this.#core = core;
    this.#timers = timers;
    this.#orders = core.orders.subscribe((response) => {
      if (response.targetPeer?.storeId === this.#storeId) this.#answerLater(response);
    });
  }

  get clusterId(): number {
    return this.#core.clusterId;
  }

  get regionHeartbeatResponses(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#responses;
  }

  async bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome> {
    return this.#reach('bootstrap', signal).bootstrap(store, region);
  }

  async isBootstrapped(signal?: AbortSignal): Promise<boolean> {
    return this.#reach('isBootstrapped', signal).isBootstrapped;
  }

  async allocId(signal?: AbortSignal): Promise<number> {
    return this.#reach('allocId', signal).ids.allocate();
  }

  async putStore(store: metapb.Store, signal?: AbortSignal): Promise<void> {
    return this.#reach('putStore', signal).putStore(store);
  }

  async getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined> {
    return this.#reach('getStore', signal).getStore(storeId)?.store;
  }

  async getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]> {
    return this.#reach('getAllStores', signal)
      .getAllStores()
      .map((view) => view.store);
  }

  async getRegion(key: Uint8Array, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#reach('getRegion', signal).getRegion(key);
  }

  async getRegionById(regionId: number, signal?: AbortSignal): Promise<RegionWithLeader | undefined> {
    return this.#reach('getRegionById', signal).getRegionById(regionId);
  }

  async scanRegions(
    startKey: Uint8Array,
    endKey: Uint8Array,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RegionWithLeader[]> {
    return this.#reach('scanRegions', signal).scanRegions(startKey, endKey, limit);
  }

  async askSplit(region: metapb.Region, count: number, signal?: AbortSignal): Promise<schedulerpb.AskSplitResponse> {
    return this.#reach('askSplit', signal).askSplit(region, count);
  }

  async reportSplit(regions: readonly metapb.Region[], signal?: AbortSignal): Promise<void> {
    this.#reach('reportSplit', signal).reportSplit(regions);
  }

  async storeHeartbeat(stats: schedulerpb.StoreStats, signal?: AbortSignal): Promise<void> {
    this.#reach('storeHeartbeat', signal).storeHeartbeat(stats);
  }

  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    if (this.#isClosed) return;
    this.#storeId = heartbeat.leader?.storeId ?? this.#storeId;
    const response = this.#report(heartbeat);
    if (response !== undefined) this.#answerLater(response);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#orders.unsubscribe();
    this.#responses.complete();
  }

  #answerLater(response: schedulerpb.RegionHeartbeatResponse): void {
    this.#timers.defer(() => {
      if (!this.#isClosed) this.#responses.next(response);
    });
  }

  /** The answer, if any: the core counts what it refuses, and a report before the bootstrap is made good by the next. */
  #report(heartbeat: schedulerpb.RegionHeartbeatRequest): schedulerpb.RegionHeartbeatResponse | undefined {
    try {
      const result = this.#core.regionHeartbeat(heartbeat);
      return result.type === 'answered' ? result.response : undefined;
    } catch (error) {
      if (isSchedulerError(error, 'notBootstrapped')) return undefined;
      throw error;
    }
  }

  #reach(call: string, signal: AbortSignal | undefined): SchedulerCore {
    if (this.#isClosed) throw new SchedulerError('closed', `${call}: the client is closed`);
    refuseIfAborted(signal, call);
    return this.#core;
  }
}
