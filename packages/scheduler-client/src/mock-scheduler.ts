import { type metapb, schedulerpb } from '@flotilla/protocol';
import { assert, type Runtime } from '@flotilla/runtime';
import { assertDistinctVersions, assertPossibleSuccessor, assertWellFormed } from './mock-region-check.ts';
import { MockSchedulerClient } from './mock-scheduler-client.ts';
import { OperatorQueue } from './operator-queue.ts';
import { epochOf, isEpochStale, isSameEpoch } from './region-epoch.ts';
import type { RegionReport } from './region-operator.ts';
import { RegionTree } from './region-tree.ts';
import type { BootstrapOutcome } from './scheduler-client.ts';
import { SchedulerError } from './scheduler-error.ts';
import { checkSplitCount, checkSplitParts, splitAnswer } from './split-exchange.ts';
import { mergeStore, refuseTombstone } from './store-record.ts';

/** What a mock region is known by: its latest report, without a leader until the first heartbeat. */
interface MockRegion {
  readonly region: metapb.Region;
  readonly leader: metapb.Peer | undefined;
}

/** What became of a region heartbeat; a `stale` one was overtaken by a newer epoch, which is nobody's fault. */
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
  /** Heartbeats that a newer epoch had overtaken. */
  staleHeartbeats = 0;

  readonly #runtime: Runtime;
  readonly #regions = new RegionTree<MockRegion>();
  /** Latest report by region id, kept after the region has left the tree: a half-reported split displaces its parent. */
  readonly #lastReported = new Map<number, metapb.Region>();
  readonly #pendingPeers = new Map<number, metapb.Peer>();
  readonly #stores = new Map<number, metapb.Store>();
  readonly #stats = new Map<number, schedulerpb.StoreStats>();
  readonly #operators = new OperatorQueue();
  #isBootstrapped = false;
  #lastId = 0;

  constructor(runtime: Runtime, options: { readonly clusterId?: number } = {}) {
    this.#runtime = runtime;
    this.clusterId = options.clusterId ?? 1;
  }

  /** A client for one store; answers to the heartbeats that it sends come back through it alone. */
  createClient(): MockSchedulerClient {
    return new MockSchedulerClient(this, this.#runtime.timers);
  }

  // What a store asks for.

  isBootstrapped(): boolean {
    return this.#isBootstrapped;
  }

  bootstrap(store: metapb.Store, region: metapb.Region): BootstrapOutcome {
    if (this.#isBootstrapped) return 'alreadyBootstrapped';
    assert(region.peers.length === 1, 'the first region has one peer', { peers: region.peers.length });
    this.#isBootstrapped = true;
    this.#stores.set(store.id, store);
    this.#lastReported.set(region.id, region);
    this.#regions.replace({ region, leader: undefined });
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
    for (const part of parts) assertWellFormed(part, part.peers[0]);
    const current = parts.filter((part) => !this.#isStale(part));
    if (current.length === 0) {
      this.staleHeartbeats += 1;
      throw new SchedulerError('regionNotFound', 'the parts of the split are no longer as they were');
    }
    const leaders = new Map(current.map((part) => [part.id, this.#regions.getById(part.id)?.leader]));
    for (const region of current) {
      this.#regions.replace({ region, leader: leaders.get(region.id) });
      this.#lastReported.set(region.id, region);
    }
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
    const { region, leader, pendingPeers } = request;
    assert(region !== undefined, 'a heartbeat without a region');
    assertWellFormed(region, leader);
    assert(leader !== undefined, 'a heartbeat without a leader');
    if (this.#isStale(region)) {
      this.staleHeartbeats += 1;
      return { type: 'stale' };
    }
    for (const peer of region.peers) this.#pendingPeers.delete(peer.id);
    for (const peer of pendingPeers) this.#pendingPeers.set(peer.id, peer);
    this.#regions.replace({ region, leader });
    this.#lastReported.set(region.id, region);
    const response = schedulerpb.RegionHeartbeatResponse.create({
      header: { clusterId: this.clusterId, error: undefined },
      regionId: region.id,
      regionEpoch: region.regionEpoch,
      targetPeer: leader,
      ...this.#operators.advance({ region, leader, pendingPeers }),
    });
    return { type: 'answered', response };
  }

  // What a test asks for. Each order is repeated with every heartbeat of the region until one shows it done.

  addPeer(regionId: number, peer: metapb.Peer): void {
    this.#order(regionId, { type: 'addPeer', peer });
  }

  removePeer(regionId: number, peer: metapb.Peer): void {
    this.#order(regionId, { type: 'removePeer', peer });
  }

  transferLeader(regionId: number, peer: metapb.Peer): void {
    this.#order(regionId, { type: 'transferLeader', peer });
  }

  /** Drops every order of a region that is not done. */
  cancelOperators(regionId: number): number {
    return this.#operators.cancel(regionId);
  }

  /** Whether every order of a region has been seen done. */
  isSettled(regionId: number): boolean {
    return this.#operators.waiting(regionId).length === 0;
  }

  // What a test looks at: the state as reported so far, never waited for.

  /** Every region in key order. */
  regions(): RegionReport[] {
    const reports: RegionReport[] = [];
    for (const { region, leader } of this.#regions.entries()) {
      if (leader !== undefined) reports.push({ region, leader, pendingPeers: this.#pendingOf(region) });
    }
    return reports;
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
    assert(!this.#pendingPeers.has(peer.id), 'the peer is still catching up', { regionId, peer });
  }

  /** @throws {InvariantError} when the region still has this peer. */
  mustNotHavePeer(regionId: number, peer: metapb.Peer): void {
    const region = this.mustRegionById(regionId);
    assert(!region.peers.some((other) => other.id === peer.id), 'the region has this peer', { regionId, peer });
  }

  /** What the store's last heartbeat told. */
  storeStats(storeId: number): schedulerpb.StoreStats | undefined {
    return this.#stats.get(storeId);
  }

  #pendingOf(region: metapb.Region): metapb.Peer[] {
    return region.peers.filter((peer) => this.#pendingPeers.has(peer.id));
  }

  /** Compares a report with the earlier one of its region and with all it overlaps; changes nothing. */
  #isStale(region: metapb.Region): boolean {
    const known = this.#lastReported.get(region.id);
    if (known !== undefined) {
      if (isEpochStale(epochOf(region), epochOf(known))) return true;
      assertPossibleSuccessor(known, region);
      if (isSameEpoch(epochOf(region), epochOf(known)) && this.#regions.getById(region.id) !== undefined) return false;
    }
    for (const other of this.#regions.overlapping(region.startKey, region.endKey)) {
      if (other.region.id === region.id) continue;
      assertDistinctVersions(other.region, region);
      if (epochOf(region).version < epochOf(other.region).version) return true;
    }
    return false;
  }

  #order(regionId: number, operator: Parameters<OperatorQueue['enqueue']>[1]): void {
    const outcome = this.#operators.enqueue(regionId, operator);
    assert(outcome === 'accepted', 'too many operators wait for one region', { regionId });
  }

  #refuseUnlessBootstrapped(): void {
    if (!this.#isBootstrapped) throw new SchedulerError('notBootstrapped', 'the cluster is not bootstrapped');
  }
}
