import { metapb } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import {
  OperatorQueue,
  type OperatorRecord,
  type OperatorStep,
  type RegionOperator,
  type RegionReport,
} from '@flotilla/scheduler-client';
import type { IdAllocator } from './id-allocator.ts';
import { canTakeReplica, storeForReplica } from './replica-checker.ts';
import type { StoreRegistry } from './store-registry.ts';

/** Decides what to ask of a region's leader: first what people ordered, then, where nothing is, missing replicas. */
export class OperatorController {
  readonly #stores: StoreRegistry;
  readonly #ids: IdAllocator;
  readonly #logger: Logger;
  readonly #queue = new OperatorQueue();
  /** The replicas that are being made up, by region id; what people ordered is not among them. */
  readonly #replicas = new Map<number, RegionOperator>();

  constructor(stores: StoreRegistry, ids: IdAllocator, logger: Logger) {
    this.#stores = stores;
    this.#ids = ids;
    this.#logger = logger;
  }

  /** Appends a person's order; `full` when too many wait for the region. */
  order(regionId: number, operator: RegionOperator): 'accepted' | 'full' {
    return this.#queue.enqueue(regionId, operator);
  }

  /** Drops everything that waits for a region; returns how many operators that were. */
  cancel(regionId: number): number {
    return this.#queue.cancel(regionId);
  }

  /** The region's operator that is under way, else the one that ended last. */
  latest(regionId: number): OperatorRecord | undefined {
    return this.#queue.latest(regionId);
  }

  /** What to answer a report with, in a cluster whose regions should have `maxPeerCount` replicas. */
  nextStep(report: RegionReport, maxPeerCount: number): OperatorStep {
    const regionId = report.region.id;
    this.#withdrawHopelessReplica(report);
    const step = this.#queue.advance(report);
    if (this.#queue.waiting(regionId).length > 0) return step;
    this.#replicas.delete(regionId);
    const storeId = storeForReplica(report, this.#stores.all(), maxPeerCount);
    if (storeId === undefined) return step;
    const id = this.#ids.tryAllocate();
    if (id === undefined) return step;
    const operator: RegionOperator = { type: 'addPeer', peer: metapb.Peer.create({ id, storeId }) };
    this.#queue.enqueue(regionId, operator);
    this.#replicas.set(regionId, operator);
    this.#logger.info('a region gets a further replica', { regionId, peerId: id, storeId });
    return this.#queue.advance(report);
  }

  /**
   * Takes back a further replica that was not added yet while its store has fallen silent: once added, it would count
   * towards the majority without being able to answer.
   */
  #withdrawHopelessReplica({ region }: RegionReport): void {
    const operator = this.#replicas.get(region.id);
    if (operator === undefined || region.peers.some((peer) => peer.id === operator.peer.id)) return;
    const { storeId } = operator.peer;
    const target = this.#stores.get(storeId);
    if (target !== undefined && canTakeReplica(target)) return;
    this.#replicas.delete(region.id);
    if (!this.#queue.withdraw(region.id, operator)) return;
    const fields = { regionId: region.id, storeId };
    this.#logger.warn('a further replica is not added, as its store fell silent', fields);
  }
}
