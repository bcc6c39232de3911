import type { metapb, schedulerpb } from '@flotilla/protocol';
import type { Timers } from '@flotilla/runtime';
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { MockScheduler } from './mock-scheduler.ts';
import type { BootstrapOutcome, RegionWithLeader, SchedulerClient } from './scheduler-client.ts';
import { isSchedulerError, refuseIfAborted, SchedulerError } from './scheduler-error.ts';

/** One store's view of a `MockScheduler`. Answers to heartbeats arrive after the sender has returned, never within. */
export class MockSchedulerClient implements SchedulerClient {
  readonly #scheduler: MockScheduler;
  readonly #timers: Timers;
  readonly #responses = new Subject<schedulerpb.RegionHeartbeatResponse>();
  readonly #orders: Subscription;
  /** The store that reports through this client; 0 before its first report. */
  #storeId = 0;
  #isClosed = false;

  constructor(scheduler: MockScheduler, timers: Timers) {
    this.#scheduler = scheduler;
    this.#timers = timers;
    this.#orders = scheduler.orders.subscribe((order) => {
      if (order.targetPeer?.storeId === this.#storeId) this.#answerLater(order);
    });
  }

  get clusterId(): number {
    return this.#scheduler.clusterId;
  }

  get regionHeartbeatResponses(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#responses;
  }

  async bootstrap(store: metapb.Store, region: metapb.Region, signal?: AbortSignal): Promise<BootstrapOutcome> {
    return this.#reach('bootstrap', signal).bootstrap(store, region);
  }

  async isBootstrapped(signal?: AbortSignal): Promise<boolean> {
    return this.#reach('isBootstrapped', signal).isBootstrapped();
  }

  async allocId(signal?: AbortSignal): Promise<number> {
    return this.#reach('allocId', signal).allocId();
  }

  async putStore(store: metapb.Store, signal?: AbortSignal): Promise<void> {
    this.#reach('putStore', signal).putStore(store);
  }

  async getStore(storeId: number, signal?: AbortSignal): Promise<metapb.Store | undefined> {
    return this.#reach('getStore', signal).getStore(storeId);
  }

  async getAllStores(signal?: AbortSignal): Promise<readonly metapb.Store[]> {
    return this.#reach('getAllStores', signal).getAllStores();
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

  /** @throws {InvariantError} when the report cannot follow from what was reported before. */
  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): void {
    if (this.#isClosed || !this.#scheduler.available) return;
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
      if (!this.#isClosed && this.#scheduler.available) this.#responses.next(response);
    });
  }

  /** The answer, if any: a stale report gets none, nor does one before the bootstrap, which the next one makes good. */
  #report(heartbeat: schedulerpb.RegionHeartbeatRequest): schedulerpb.RegionHeartbeatResponse | undefined {
    try {
      const outcome = this.#scheduler.regionHeartbeat(heartbeat);
      return outcome.type === 'answered' ? outcome.response : undefined;
    } catch (error) {
      if (isSchedulerError(error, 'notBootstrapped')) return undefined;
      throw error;
    }
  }

  #reach(call: string, signal: AbortSignal | undefined): MockScheduler {
    if (this.#isClosed) throw new SchedulerError('closed', `${call}: the client is closed`);
    refuseIfAborted(signal, call);
    if (!this.#scheduler.available) throw new SchedulerError('unavailable', `${call}: the scheduler cannot be reached`);
    return this.#scheduler;
  }
}
