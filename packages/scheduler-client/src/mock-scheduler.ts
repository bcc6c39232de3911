import { type metapb, schedulerpb } from '@flotilla/protocol';
import { assert, type Runtime } from '@flotilla/runtime';
import { type Observable, Subject } from 'rxjs';
import { type MockRegion, MockRegionTable } from './mock-region-table.ts';
import { MockSchedulerClient } from './mock-scheduler-client.ts';
import { OperatorQueue } from './operator/operator-queue.ts';
import { isStrictlyWithin, type OperatorStep } from './operator/operator-step.ts';
import type { RegionReport } from './operator/region-report.ts';
import { epochOf, isEpochStale } from './region-epoch.ts';
import type { BootstrapOutcome } from './scheduler-client.ts';
import { SchedulerError } from './scheduler-error.ts';
import { checkSplitCount, checkSplitParts, splitAnswer } from './split-exchange.ts';
import { mergeStore, refuseTombstone } from './store-record.ts';

/** What became of a region heartbeat; a `stale` one was overtaken by a newer epoch or term, which is nobody's fault. */
export type HeartbeatOutcome =
  | { readonly type: 'answered'; readonly response: schedulerpb.RegionHeartbeatResponse }
  | { readonly type: 'stale' };

/**
 * A scheduler in memory for tests and simulations: one object for a whole cluster, one client for each store. It knows
 * what heartbeats tell, checks that each report can follow from the one before, and asks for what the operators say.
 */
export class MockScheduler {
  readonly clusterId: number;
  /** While false, every call rejects with `unavailable` and heartbeats are lost, as if the scheduler could not be reached. */
  available = true;
  /** Whether an order goes to the region's leader at once, as a real scheduler's does, and not with its next heartbeat only. */
  pushesOrders = false;
  /** Heartbeats and split reports that a newer epoch or term had overtaken. */
  staleHeartbeats = 0;

  readonly #runtime: Runtime;
  readonly #regions = new MockRegionTable();
  readonly #stores = new Map<number, metapb.Store>();
  readonly #stats = new Map<number, schedulerpb.StoreStats>();
  readonly #operators: OperatorQueue;
  readonly #orders = new Subject<schedulerpb.RegionHeartbeatResponse>();
  #isBootstrapped = false;
  #lastId = 0;
  #lastOperatorId = 0;

  constructor(runtime: Runtime, options: { readonly clusterId?: number } = {}) {
    this.#runtime = runtime;
    this.clusterId = options.clusterId ?? 1;
    this.#operators = new OperatorQueue(() => runtime.clock.monotonicMs());
  }

  /** A client for one store; answers to the heartbeats that it sends come back through it alone. */
  createClient(): MockSchedulerClient {
    return new MockSchedulerClient(this, this.#runtime.timers);
  }

  // What a store asks for.

  isBootstrapped(): boolean {
    return this.#isBootstrapped;
  }

  /** @throws {InvariantError} when store or region cannot be a cluster's first. */
  bootstrap(store: metapb.Store, region: metapb.Region): BootstrapOutcome {
    if (this.#isBootstrapped) return 'alreadyBootstrapped';
    assert(store.id > 0, 'a store without an id', { store });
    this.#regions.begin(region, store);
    this.#isBootstrapped = true;
    this.#stores.set(store.id, store);
    return 'bootstrapped';
  }

  allocId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  putStore(store: metapb.Store): void {
    this.#refuseUnlessBootstrapped();
    this.#stores.set(store.id, mergeStore(this.#stores.get(store.id), store));
  }

  getStore(storeId: number): metapb.Store | undefined {
    this.#refuseUnlessBootstrapped();
    return this.#stores.get(storeId);
  }

  getAllStores(): metapb.Store[] {
    this.#refuseUnlessBootstrapped();
    return [...this.#stores.values()].sort((left, right) => left.id - right.id);
  }

  getRegion(key: Uint8Array): MockRegion | undefined {
    this.#refuseUnlessBootstrapped();
    return this.#regions.find(key);
  }

  getRegionById(regionId: number): MockRegion | undefined {
    this.#refuseUnlessBootstrapped();
    return this.#regions.getById(regionId);
  }

  scanRegions(startKey: Uint8Array, endKey: Uint8Array, limit: number): MockRegion[] {
    this.#refuseUnlessBootstrapped();
    return this.#regions.scan(startKey, endKey, limit);
  }

  askSplit(region: metapb.Region, count: number): schedulerpb.AskSplitResponse {
    this.#refuseUnlessBootstrapped();
    checkSplitCount(count);
    const known = this.#regions.getById(region.id)?.region;
    if (known === undefined || isEpochStale(epochOf(region), epochOf(known))) {
      throw new SchedulerError('regionNotFound', `region ${region.id} is unknown, or no longer as it was`);
    }
    const ids: schedulerpb.SplitID[] = [];
    while (ids.length < count) {
      ids.push({ newRegionId: this.allocId(), newPeerIds: region.peers.map(() => this.allocId()) });
    }
    return splitAnswer(ids);
  }

  /**
   * Takes in all parts of a split at once.
   *
   * @throws {SchedulerError} with code `notBootstrapped`, `invalidArgument`, or `regionNotFound` when all are overtaken.
   * @throws {InvariantError} when a part cannot follow from what was reported before.
   */
  reportSplit(parts: readonly metapb.Region[]): void {
    this.#refuseUnlessBootstrapped();
    checkSplitParts(parts);
    if (this.#regions.reportSplit(parts) > 0) return;
    this.staleHeartbeats += 1;
    throw new SchedulerError('regionNotFound', 'the parts of the split are no longer as they were');
  }

  storeHeartbeat(stats: schedulerpb.StoreStats): void {
    this.#refuseUnlessBootstrapped();
    const store = this.#stores.get(stats.storeId);
    if (store === undefined) {
      throw new SchedulerError('invalidArgument', `stats.storeId: store ${stats.storeId} was never put`);
    }
    refuseTombstone(store);
    this.#stats.set(stats.storeId, stats);
  }

  /**
   * Takes in a region's report and answers with what is to be done next.
   *
   * @throws {SchedulerError} with code `notBootstrapped`.
   * @throws {InvariantError} when the report cannot follow from what was reported before.
   */
  regionHeartbeat(request: schedulerpb.RegionHeartbeatRequest): HeartbeatOutcome {
    this.#refuseUnlessBootstrapped();
    const report = this.#regions.report(request);
    if (report === undefined) {
      this.staleHeartbeats += 1;
      return { type: 'stale' };
    }
    return { type: 'answered', response: this.#answer(report) };
  }

  /** What leaders are asked for as soon as it is ordered, if `pushesOrders`, without a heartbeat of theirs to answer. */
  get orders(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#orders;
  }

  // What a test asks for. Each order is repeated with every heartbeat of the region until one shows it done.

  addPeer(regionId: number, peer: metapb.Peer): void {
    this.order(regionId, { type: 'addPeer', peer });
  }

  addLearner(regionId: number, peer: metapb.Peer): void {
    this.order(regionId, { type: 'addLearner', peer });
  }

  promoteLearner(regionId: number, peer: metapb.Peer): void {
    this.order(regionId, { type: 'promoteLearner', peer });
  }

  removePeer(regionId: number, peer: metapb.Peer): void {
    this.order(regionId, { type: 'removePeer', peer });
  }

  transferLeader(regionId: number, peer: metapb.Peer): void {
    this.order(regionId, { type: 'transferLeader', peer });
  }

  /** Several changes at once, through a joint configuration. */
  changePeers(regionId: number, changes: readonly schedulerpb.ChangePeer[]): void {
    this.order(regionId, { type: 'changePeers', changes });
  }

  /**
   * Splits the region that holds `key` there.
   *
   * @throws {InvariantError} when a region begins at `key` already.
   */
  splitAt(key: Uint8Array): void {
    const region = this.mustRegion(key);
    assert(isStrictlyWithin(key, region), 'a region begins at this key already', { regionId: region.id });
    this.order(region.id, { type: 'splitRegion', keys: [key], version: epochOf(region).version });
  }

  /** Splits a region where its leader finds the middle of its data. */
  splitMiddle(regionId: number): void {
    const { version } = epochOf(this.mustRegionById(regionId));
    this.order(regionId, { type: 'splitRegion', keys: [], version });
  }

  /** Orders steps that are done one after the other, behind what is ordered for the region already. */
  order(regionId: number, ...steps: readonly OperatorStep[]): void {
    this.#lastOperatorId += 1;
    const timeoutMs = Number.POSITIVE_INFINITY;
    const outcome = this.#operators.enqueue({ id: this.#lastOperatorId, regionId, kind: 'admin', steps, timeoutMs });
    assert(outcome === 'accepted', 'too many operators wait for one region', { regionId });
    const known = this.pushesOrders ? this.#regions.getById(regionId) : undefined;
    if (known?.leader !== undefined) this.#orders.next(this.#answer({ ...known, leader: known.leader }));
  }

  /** Drops every order of a region that is not done. */
  cancelOperators(regionId: number): number {
    return this.#operators.cancel(regionId, 'cancelled by the test');
  }

  /** Whether every order of a region, or of all regions, has been seen done. */
  isSettled(regionId?: number): boolean {
    return regionId === undefined ? this.#operators.unended().length === 0 : this.#operators.isIdle(regionId);
  }

  // What a test looks at: the state as reported so far, never waited for.

  /** Every region that a leader has reported, in key order. */
  regions(): RegionReport[] {
    const reports: RegionReport[] = [];
    for (const entry of this.#regions.entries()) {
      const { leader } = entry;
      if (leader !== undefined) reports.push({ ...entry, leader });
    }
    return reports;
  }

  /** Regions known, reported by a leader or not. */
  get regionCount(): number {
    return this.#regions.size;
  }

  /** Reported regions with a peer on a store. */
  regionsOn(storeId: number): RegionReport[] {
    return this.regions().filter(({ region }) => region.peers.some((peer) => peer.storeId === storeId));
  }

  /** Reported regions that a store's peers lead. */
  regionsLedBy(storeId: number): RegionReport[] {
    return this.regions().filter(({ leader }) => leader.storeId === storeId);
  }

  /** @throws {InvariantError} unless the regions known follow each other from the first key to the last. */
  mustTile(): void {
    let border: Uint8Array | undefined = new Uint8Array(0);
    for (const { region } of this.#regions.entries()) {
      assert(border !== undefined && Buffer.compare(border, region.startKey) === 0, 'the regions leave a gap', {
        regionId: region.id,
      });
      border = region.endKey.length === 0 ? undefined : region.endKey;
    }
    assert(border === undefined, 'no region reaches the last key');
  }

  /** @throws {InvariantError} when no region that holds `key` is known. */
  mustRegion(key: Uint8Array): metapb.Region {
    const entry = this.#regions.find(key);
    assert(entry !== undefined, 'no region is known at this key', { keyBytes: key.length });
    return entry.region;
  }

  /** @throws {InvariantError} when the region is unknown. */
  mustRegionById(regionId: number): metapb.Region {
    const entry = this.#regions.getById(regionId);
    assert(entry !== undefined, 'the region is unknown', { regionId });
    return entry.region;
  }

  /** @throws {InvariantError} when the region has reported no leader. */
  mustLeader(regionId: number): metapb.Peer {
    const leader = this.#regions.getById(regionId)?.leader;
    assert(leader !== undefined, 'the region has no known leader', { regionId });
    return leader;
  }

  /** @throws {InvariantError} unless the region has this very peer and it has caught up. */
  mustHavePeer(regionId: number, peer: metapb.Peer): void {
    const region = this.mustRegionById(regionId);
    const member = region.peers.find((other) => other.id === peer.id);
    assert(
      member !== undefined && member.storeId === peer.storeId && member.role === peer.role,
      'the region lacks this peer',
      { regionId, peer, peers: region.peers },
    );
    const isPending = this.#regions.getById(regionId)?.pendingPeers.some(({ id }) => id === peer.id) === true;
    assert(!isPending, 'the peer is still catching up', { regionId, peer });
  }

  /** @throws {InvariantError} when the region still has this peer. */
  mustNotHavePeer(regionId: number, peer: metapb.Peer): void {
    const region = this.mustRegionById(regionId);
    assert(!region.peers.some((other) => other.id === peer.id), 'the region has this peer', { regionId, peer });
  }

  /** @throws {InvariantError} when any region known still has a peer on the store. */
  mustHaveNothingOn(storeId: number): void {
    for (const { region } of this.#regions.entries()) {
      const peer = region.peers.find((other) => other.storeId === storeId);
      assert(peer === undefined, 'a region has a peer on this store', { regionId: region.id, peer });
    }
  }

  /** What the store's last heartbeat told. */
  storeStats(storeId: number): schedulerpb.StoreStats | undefined {
    return this.#stats.get(storeId);
  }

  #answer(report: RegionReport): schedulerpb.RegionHeartbeatResponse {
    const { region, leader } = report;
    return schedulerpb.RegionHeartbeatResponse.create({
      header: { clusterId: this.clusterId, error: undefined },
      regionId: region.id,
      regionEpoch: region.regionEpoch,
      targetPeer: leader,
      ...this.#operators.advance(report),
    });
  }

  #refuseUnlessBootstrapped(): void {
    if (!this.#isBootstrapped) throw new SchedulerError('notBootstrapped', 'the cluster is not bootstrapped');
  }
}
