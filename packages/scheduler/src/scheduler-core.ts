import type { Engine } from '@flotilla/engine';
import { metapb, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import {
  type BootstrapOutcome,
  checkSplitCount,
  checkSplitParts,
  epochOf,
  isEpochStale,
  type OperatorRecord,
  type OperatorStep,
  type RegionReport,
  SchedulerError,
  type StepRequest,
  splitAnswer,
} from '@flotilla/scheduler-client';
import { type Observable, Subject } from 'rxjs';
import { openClusterIdentity } from './cluster-identity.ts';
import { resolveSchedulerConfig, type SchedulerConfig } from './config.ts';
import { decodeNumber, decodeStored, encodeNumber, layoutKeys } from './data-layout.ts';
import { DurableWriter } from './durable-writer.ts';
import { IdAllocator } from './id-allocator.ts';
import { OperatorController } from './operator-controller.ts';
import type { RegionOrder } from './region-order.ts';
import { RegionRegistry, type RegionView, type ReportOutcome } from './region-registry.ts';
import { SerialRunner } from './serial-runner.ts';
import { checkStore, StoreRegistry, type StoreView } from './store-registry.ts';
import { TimestampOracle } from './timestamp-oracle.ts';

/** What a placement driver runs on. The engine is its alone; whoever opened it closes it, after the core. */
export interface SchedulerCoreOptions {
  readonly engine: Engine;
  readonly runtime: Runtime;
  readonly config?: Partial<SchedulerConfig>;
}

/** What became of a region heartbeat. */
export type HeartbeatResult =
  | { readonly type: 'answered'; readonly response: schedulerpb.RegionHeartbeatResponse }
  | Extract<ReportOutcome, { type: 'refused' }>;

/** The placement driver at a glance. */
export interface SchedulerStatus {
  readonly clusterId: number;
  readonly isBootstrapped: boolean;
  /** False once its storage has failed: it answers reads, but accepts nothing until it is restarted. */
  readonly isHealthy: boolean;
  readonly storeCount: number;
  readonly regionCount: number;
  /** Region heartbeats taken in, and refused, since the start. */
  readonly heartbeatsAccepted: number;
  readonly heartbeatsRefused: number;
}

/**
 * The placement driver without any network: who is in the cluster, which region is where, ids and timestamps that never
 * repeat, and the changes it asks leaders to make. Whatever it acknowledges is synced to its engine first.
 *
 * Every method rejects, or throws, `SchedulerError`: `notBootstrapped` where a cluster is needed, `unknown` once a write
 * has failed.
 */
export class SchedulerCore {
  /** Drawn at random when the database was new; every request carries it, so that clusters cannot be mixed up. */
  readonly clusterId: number;
  readonly ids: IdAllocator;
  readonly timestamps: TimestampOracle;

  readonly #writer: DurableWriter;
  readonly #stores: StoreRegistry;
  readonly #regions: RegionRegistry;
  readonly #operators: OperatorController;
  /** Changes that first look and then write happen one at a time. */
  readonly #changes = new SerialRunner();
  readonly #config: SchedulerConfig;
  readonly #runtime: Runtime;
  readonly #orders = new Subject<schedulerpb.RegionHeartbeatResponse>();
  #cluster: metapb.Cluster | undefined;
  #gcSafePoint = 0;
  #heartbeatsAccepted = 0;
  #heartbeatsRefused = 0;

  private constructor(
    options: SchedulerCoreOptions,
    config: SchedulerConfig,
    parts: Pick<SchedulerCore, 'clusterId' | 'ids' | 'timestamps'> & { readonly writer: DurableWriter },
  ) {
    this.clusterId = parts.clusterId;
    this.ids = parts.ids;
    this.timestamps = parts.timestamps;
    this.#writer = parts.writer;
    this.#config = config;
    this.#runtime = options.runtime;
    this.#stores = new StoreRegistry(parts.writer, options.runtime.clock, config);
    this.#regions = new RegionRegistry(parts.writer, options.runtime.timers);
    this.#operators = new OperatorController(this.#stores, parts.ids, options.runtime, config);
  }

  /**
   * Goes on from what the engine holds, or begins a new cluster in an empty one.
   *
   * @throws {SchedulerDataError} when the engine holds something else, another version, or damaged data.
   * @throws {SchedulerConfigError} when the configuration cannot be used.
   */
  static async open(options: SchedulerCoreOptions): Promise<SchedulerCore> {
    const { engine, runtime } = options;
    const config = resolveSchedulerConfig(options.config);
    const writer = new DurableWriter(engine, runtime.logger);
    const clusterId = await openClusterIdentity(engine, writer, runtime);
    const ids = await IdAllocator.open(engine, writer, config.idBatchSize);
    const timestamps = await TimestampOracle.open(engine, writer, runtime, config.timestampWindowMs);
    const core = new SchedulerCore(options, config, { clusterId, ids, timestamps, writer });
    await core.#load(engine);
    return core;
  }

  get isBootstrapped(): boolean {
    return this.#cluster !== undefined;
  }

  status(): SchedulerStatus {
    return {
      clusterId: this.clusterId,
      isBootstrapped: this.isBootstrapped,
      isHealthy: !this.#writer.hasFailed,
      storeCount: this.#stores.all().length,
      regionCount: this.#regions.size,
      heartbeatsAccepted: this.#heartbeatsAccepted,
      heartbeatsRefused: this.#heartbeatsRefused,
    };
  }

  /**
   * Begins the cluster with its first store and region, all in one synced write; once in its life. `region` is undefined
   * when the store's protocol cannot tell it: its first heartbeat does then.
   *
   * @throws {SchedulerError} with code `invalidArgument` when store or region cannot be a cluster's first.
   */
  bootstrap(store: metapb.Store, region: metapb.Region | undefined): Promise<BootstrapOutcome> {
    return this.#changes.run(async () => {
      if (this.isBootstrapped) return 'alreadyBootstrapped';
      checkStore(store);
      if (region !== undefined) checkFirstRegion(region, store);
      const cluster = metapb.Cluster.create({ id: this.clusterId, maxPeerCount: this.#config.maxPeerCount });
      await this.#writer.write((batch) => {
        batch.put(layoutKeys.cluster, metapb.Cluster.encode(cluster));
        batch.put(layoutKeys.store(store.id), metapb.Store.encode(store));
        if (region !== undefined) batch.put(layoutKeys.region(region.id), metapb.Region.encode(region));
      });
      this.#cluster = cluster;
      this.#stores.remember(store);
      if (region !== undefined) this.#regions.remember(region);
      this.#runtime.logger.info('the cluster is bootstrapped', { clusterId: this.clusterId, storeId: store.id });
      return 'bootstrapped';
    });
  }

  putStore(store: metapb.Store): Promise<void> {
    return this.#changes.run(async () => {
      this.#requireCluster();
      await this.#stores.put(store);
    });
  }

  getStore(storeId: number): StoreView | undefined {
    this.#requireCluster();
    return this.#stores.get(storeId);
  }

  getAllStores(): StoreView[] {
    this.#requireCluster();
    return this.#stores.all();
  }

  storeHeartbeat(stats: schedulerpb.StoreStats): void {
    this.#requireCluster();
    this.#stores.heartbeat(stats);
  }

  getRegion(key: Uint8Array): RegionView | undefined {
    this.#requireCluster();
    return this.#regions.find(key);
  }

  /** The region just before the one that holds `key`. */
  getPreviousRegion(key: Uint8Array): RegionView | undefined {
    this.#requireCluster();
    return this.#regions.findPrevious(key);
  }

  getRegionById(regionId: number): RegionView | undefined {
    this.#requireCluster();
    return this.#regions.getById(regionId);
  }

  scanRegions(startKey: Uint8Array, endKey: Uint8Array, limit: number): RegionView[] {
    this.#requireCluster();
    return this.#regions.scan(startKey, endKey, limit);
  }

  /** Takes in a report from a region's leader and answers with what is to be done next. */
  regionHeartbeat(heartbeat: schedulerpb.RegionHeartbeatRequest): HeartbeatResult {
    const cluster = this.#requireCluster();
    const outcome = this.#regions.report(heartbeat);
    if (outcome.type === 'refused') {
      this.#heartbeatsRefused += 1;
      return outcome;
    }
    this.#heartbeatsAccepted += 1;
    const step = this.#operators.nextStep(outcome.report, cluster.maxPeerCount);
    return { type: 'answered', response: this.#answer(outcome.report, step) };
  }

  /**
   * Ids for a region that is about to split: for each of `count` new regions one, and one for each of its peers.
   *
   * @throws {SchedulerError} with code `regionNotFound` when the region is unknown, or no longer as it was;
   * `invalidArgument` for a count outside 1 to 256.
   */
  async askSplit(region: metapb.Region, count: number): Promise<schedulerpb.AskSplitResponse> {
    this.#requireCluster();
    checkSplitCount(count);
    const known = this.#regions.getById(region.id)?.region;
    if (known === undefined || isEpochStale(epochOf(region), epochOf(known))) {
      throw new SchedulerError('regionNotFound', `region ${region.id} is unknown, or no longer as it was`);
    }
    const idsPerRegion = 1 + region.peers.length;
    const firstId = await this.ids.allocate(count * idsPerRegion);
    const ids = Array.from({ length: count }, (_, which) => {
      const newRegionId = firstId + which * idsPerRegion;
      return { newRegionId, newPeerIds: region.peers.map((_peer, position) => newRegionId + 1 + position) };
    });
    return splitAnswer(ids);
  }

  /**
   * Takes in all parts of a split at once, in key order.
   *
   * @throws {SchedulerError} with code `invalidArgument` when they are not the parts of one region, `regionNotFound` when
   * newer reports have overtaken all of them.
   */
  reportSplit(parts: readonly metapb.Region[]): void {
    this.#requireCluster();
    checkSplitParts(parts);
    if (this.#regions.reportSplit(parts) > 0) return;
    throw new SchedulerError('regionNotFound', 'the parts of the split are no longer as they were');
  }

  /**
   * What leaders are asked for as soon as it is ordered, without a heartbeat of theirs to answer. It may be lost: the
   * answers to their heartbeats say the same.
   */
  get orders(): Observable<schedulerpb.RegionHeartbeatResponse> {
    return this.#orders;
  }

  /**
   * Orders a change of a region, if it is possible as things stand: its steps are asked for with each of the region's
   * heartbeats until one shows them done.
   *
   * @throws {SchedulerError} with code `regionNotFound`, or `impossible` with what is in the way.
   */
  async orderOperator(regionId: number, order: RegionOrder): Promise<OperatorRecord> {
    const record = await this.#operators.order(() => this.#requireRegion(regionId), order);
    this.#push(regionId);
    return record;
  }

  /**
   * Appends steps to what is ordered for a region, unchecked; they are asked for one after the other.
   *
   * @throws {SchedulerError} with code `regionNotFound`.
   */
  async addOperator(regionId: number, ...steps: readonly OperatorStep[]): Promise<'accepted' | 'full'> {
    this.#requireRegion(regionId);
    return this.#operators.append(regionId, steps);
  }

  /** Drops what was ordered for a region and is not done; returns how many operators that were. */
  cancelOperators(regionId: number): number {
    this.#requireRegion(regionId);
    return this.#operators.cancelAll(regionId);
  }

  /** Ends an operator unless it has ended; what it has done already stays. @returns how it stands; undefined if unknown. */
  cancelOperator(operatorId: number): OperatorRecord | undefined {
    this.#requireCluster();
    return this.#operators.cancel(operatorId);
  }

  /** An operator that has not ended, or one of the 1,024 that ended last. */
  getOperatorById(operatorId: number): OperatorRecord | undefined {
    this.#requireCluster();
    return this.#operators.byId(operatorId);
  }

  /** Operators that have not ended, then the 1,024 that ended last, the latest first. */
  listOperators(): OperatorRecord[] {
    this.#requireCluster();
    return this.#operators.all();
  }

  /** The region's operator that is under way, else the one that ended last. */
  getOperator(regionId: number): OperatorRecord | undefined {
    this.#requireRegion(regionId);
    return this.#operators.latest(regionId);
  }

  getClusterConfig(): metapb.Cluster {
    return this.#requireCluster();
  }

  /** @throws {SchedulerError} with code `invalidArgument` when the id is another cluster's or the peer count is not 1 to 15. */
  putClusterConfig(cluster: metapb.Cluster): Promise<void> {
    return this.#changes.run(async () => {
      this.#requireCluster();
      if (cluster.id !== this.clusterId) {
        throw new SchedulerError('invalidArgument', `cluster.id is ${cluster.id}; this cluster is ${this.clusterId}`);
      }
      if (cluster.maxPeerCount < 1 || cluster.maxPeerCount > 15) {
        throw new SchedulerError(
          'invalidArgument',
          `cluster.max_peer_count is ${cluster.maxPeerCount}; it must be 1 to 15`,
        );
      }
      await this.#writer.write((batch) => batch.put(layoutKeys.cluster, metapb.Cluster.encode(cluster)));
      this.#cluster = cluster;
    });
  }

  /** Versions before this may be collected; 0 until it was first set. */
  getGcSafePoint(): number {
    this.#requireCluster();
    return this.#gcSafePoint;
  }

  /** Raises the safe point; a lower one changes nothing. Returns the one that holds. */
  updateGcSafePoint(safePoint: number): Promise<number> {
    return this.#changes.run(async () => {
      this.#requireCluster();
      if (safePoint > this.#gcSafePoint) {
        await this.#writer.write((batch) => batch.put(layoutKeys.gcSafePoint, encodeNumber(safePoint)));
        this.#gcSafePoint = safePoint;
      }
      return this.#gcSafePoint;
    });
  }

  /** Resolves once everything taken in so far is on disk. The engine may be closed then. */
  async close(): Promise<void> {
    this.#orders.complete();
    await this.#changes.run(() => this.#regions.flush());
  }

  async #load(engine: Engine): Promise<void> {
    const [cluster, safePoint] = await Promise.all([
      engine.get(layoutKeys.cluster),
      engine.get(layoutKeys.gcSafePoint),
    ]);
    if (cluster !== undefined) this.#cluster = decodeStored(metapb.Cluster, cluster, 'the cluster');
    if (safePoint !== undefined) this.#gcSafePoint = decodeNumber(safePoint, 'the GC safe point');
    await this.#stores.load(engine);
    await this.#regions.load(engine);
  }

  #requireCluster(): metapb.Cluster {
    if (this.#cluster === undefined) throw new SchedulerError('notBootstrapped', 'the cluster is not bootstrapped');
    return this.#cluster;
  }

  #requireRegion(regionId: number): RegionView {
    this.#requireCluster();
    const view = this.#regions.getById(regionId);
    if (view === undefined) throw new SchedulerError('regionNotFound', `region ${regionId} is unknown`);
    return view;
  }

  #answer({ region, leader }: RegionReport, step: StepRequest): schedulerpb.RegionHeartbeatResponse {
    return schedulerpb.RegionHeartbeatResponse.create({
      header: { clusterId: this.clusterId, error: undefined },
      regionId: region.id,
      regionEpoch: region.regionEpoch,
      targetPeer: leader,
      ...step,
    });
  }

  #push(regionId: number): void {
    const view = this.#regions.getById(regionId);
    if (view?.leader === undefined) return;
    const report = { ...view, leader: view.leader };
    this.#orders.next(this.#answer(report, this.#operators.currentStep(report)));
  }
}

function checkFirstRegion(region: metapb.Region, store: metapb.Store): void {
  const peer = region.peers[0];
  const isWhole = region.startKey.length === 0 && region.endKey.length === 0;
  if (region.id < 1 || region.regionEpoch === undefined || !isWhole) {
    throw new SchedulerError('invalidArgument', 'region: the first one has an id, an epoch and the whole key space');
  }
  if (region.peers.length !== 1 || peer === undefined || peer.id < 1 || peer.storeId !== store.id) {
    throw new SchedulerError('invalidArgument', 'region.peers: the first region has one peer, on the first store');
  }
}
