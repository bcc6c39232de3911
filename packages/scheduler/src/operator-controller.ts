import { schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import {
  describeOperator,
  OperatorQueue,
  type OperatorRecord,
  type OperatorStep,
  type RegionOperator,
  type RegionReport,
  SchedulerError,
  type StepRequest,
} from '@flotilla/scheduler-client';
import type { SchedulerConfig } from './config.ts';
import type { IdAllocator } from './id-allocator.ts';
import { addsPeer, movesLeaderOnly, planOrder, type RegionOrder } from './region-order.ts';
import type { RegionView } from './region-registry.ts';
import { canTakeReplica, planReplicas, type ReplicaPlan, stepsOf } from './replica-checker.ts';
import type { StoreRegistry, StoreView } from './store-registry.ts';

const { CANCEL, REPLACE, RUNNING } = schedulerpb.OperatorStatus;

/** Decides what to ask of a region's leader: first what people ordered, then, where nothing is, what its replicas lack. */
export class OperatorController {
  readonly #stores: StoreRegistry;
  readonly #ids: IdAllocator;
  readonly #runtime: Runtime;
  readonly #config: SchedulerConfig;
  readonly #queue: OperatorQueue;
  /** The checker's operators by region id, until the region's next report after their end. */
  readonly #mending = new Map<number, RegionOperator>();

  constructor(stores: StoreRegistry, ids: IdAllocator, runtime: Runtime, config: SchedulerConfig) {
    this.#stores = stores;
    this.#ids = ids;
    this.#runtime = runtime;
    this.#config = config;
    this.#queue = new OperatorQueue(() => runtime.clock.monotonicMs());
  }

  /**
   * Takes a person's order, which takes the place of what the checker is doing. `find` looks the region up, after a wait
   * for ids as before it.
   *
   * @throws {SchedulerError} with code `impossible`, also while an earlier order is under way, or what `find` throws.
   */
  async order(find: () => RegionView, order: RegionOrder): Promise<OperatorRecord> {
    this.#plan(find(), order, 0);
    const id = await this.#ids.allocate(addsPeer(order) ? 2 : 1);
    const view = find();
    const steps = this.#plan(view, order, id + 1);
    const regionId = view.region.id;
    const mending = this.#mending.get(regionId);
    if (mending !== undefined) this.#queue.withdraw(mending.id, REPLACE, 'a person ordered something else');
    this.#mending.delete(regionId);
    const timeoutMs = movesLeaderOnly(order)
      ? this.#config.leaderOperatorTimeoutMs
      : this.#config.peerOperatorTimeoutMs;
    const operator: RegionOperator = { id, regionId, kind: 'admin', steps, timeoutMs };
    this.#queue.enqueue(operator);
    this.#runtime.logger.info('an operator was ordered', {
      regionId,
      operatorId: id,
      what: describeOperator(operator),
    });
    return this.#queue.byId(id) as OperatorRecord;
  }

  /** Appends steps to what is ordered for a region, whatever they are; `full` when too much waits. */
  async append(regionId: number, steps: readonly OperatorStep[]): Promise<'accepted' | 'full'> {
    const id = await this.#ids.allocate();
    return this.#queue.enqueue({ id, regionId, kind: 'admin', steps, timeoutMs: this.#config.peerOperatorTimeoutMs });
  }

  /** Ends everything that waits for a region; returns how many operators that were. */
  cancelAll(regionId: number): number {
    return this.#queue.cancel(regionId, 'cancelled');
  }

  /** Ends one operator; returns how it stands, undefined when it is not known. */
  cancel(operatorId: number): OperatorRecord | undefined {
    this.#queue.withdraw(operatorId, CANCEL, 'cancelled');
    return this.#queue.byId(operatorId);
  }

  /** The region's operator that is under way, else the one that ended last. */
  latest(regionId: number): OperatorRecord | undefined {
    return this.#queue.latest(regionId);
  }

  byId(operatorId: number): OperatorRecord | undefined {
    return this.#queue.byId(operatorId);
  }

  /** What has not ended, then what ended last. */
  all(): OperatorRecord[] {
    return [...this.#queue.unended(), ...this.#queue.recentlyEnded()];
  }

  /** What to ask a region's leader for at once, beside its reports. */
  currentStep(report: RegionReport): StepRequest {
    return this.#queue.advance(report);
  }

  /** What to answer a report with, in a cluster whose regions should have `maxPeerCount` replicas. */
  nextStep(report: RegionReport, maxPeerCount: number): StepRequest {
    const regionId = report.region.id;
    this.#withdrawHopelessReplica(report);
    const step = this.#queue.advance(report);
    if (!this.#queue.isIdle(regionId)) return step;
    this.#mending.delete(regionId);
    const plan = this.#planReplicas(report, maxPeerCount);
    return plan === undefined ? step : this.#mend(report, plan);
  }

  #plan(view: RegionView, order: RegionOrder, newPeerId: number): OperatorStep[] {
    const latest = this.#queue.latest(view.region.id);
    if (latest?.status === RUNNING && latest.operator.kind === 'admin') {
      const what = describeOperator(latest.operator);
      throw new SchedulerError(
        'impossible',
        `region ${view.region.id} has operator ${latest.operator.id} under way (${what}); wait for it, or cancel it`,
      );
    }
    return planOrder(order, view, (storeId) => this.#stores.get(storeId), newPeerId);
  }

  #planReplicas(report: RegionReport, maxPeerCount: number): ReplicaPlan | undefined {
    if (this.#isMendingAtLimit()) return undefined;
    return planReplicas(report, {
      stores: new Map(this.#stores.all().map((view): [number, StoreView] => [view.store.id, view])),
      maxPeerCount,
      addsUnderWay: this.#addsUnderWay(),
      maxAddsPerStore: this.#config.maxAddsPerStore,
      isHeld: this.#isHeld(report.region.id),
    });
  }

  #mend(report: RegionReport, plan: ReplicaPlan): StepRequest {
    const id = this.#ids.tryAllocate();
    const newPeerId = plan.type === 'add' || plan.type === 'replace' ? this.#ids.tryAllocate() : 0;
    if (id === undefined || newPeerId === undefined) return {};
    const regionId = report.region.id;
    const steps = stepsOf(plan, newPeerId);
    const timeoutMs = this.#config.peerOperatorTimeoutMs;
    const operator: RegionOperator = { id, regionId, kind: 'replica', steps, timeoutMs };
    this.#queue.enqueue(operator);
    this.#mending.set(regionId, operator);
    const what = describeOperator(operator);
    this.#runtime.logger.info('the replicas of a region are mended', {
      regionId,
      operatorId: id,
      plan: plan.type,
      what,
    });
    return this.#queue.advance(report);
  }

  /** Whether a person's order for the region ended a short while ago: what they did is not undone at once. */
  #isHeld(regionId: number): boolean {
    const latest = this.#queue.latest(regionId);
    if (latest?.operator.kind !== 'admin' || latest.endedAtMs === undefined) return false;
    return this.#runtime.clock.monotonicMs() - latest.endedAtMs < this.#config.adminHoldMs;
  }

  #isMendingAtLimit(): boolean {
    if (this.#mending.size < this.#config.replicaScheduleLimit) return false;
    for (const regionId of this.#mending.keys()) {
      if (this.#queue.isIdle(regionId)) this.#mending.delete(regionId);
    }
    return this.#mending.size >= this.#config.replicaScheduleLimit;
  }

  #addsUnderWay(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { steps } of this.#mending.values()) {
      for (const step of steps) {
        if (step.type === 'addLearner') counts.set(step.peer.storeId, (counts.get(step.peer.storeId) ?? 0) + 1);
      }
    }
    return counts;
  }

  /**
   * Takes back a further replica that was not added yet while its store has fallen silent: once added, it would count
   * towards the majority without being able to answer.
   */
  #withdrawHopelessReplica({ region }: RegionReport): void {
    const operator = this.#mending.get(region.id);
    const addition = operator?.steps.find((step) => step.type === 'addLearner');
    if (operator === undefined || addition === undefined) return;
    if (region.peers.some((peer) => peer.id === addition.peer.id)) return;
    const { storeId } = addition.peer;
    const target = this.#stores.get(storeId);
    if (target !== undefined && canTakeReplica(target)) return;
    this.#mending.delete(region.id);
    if (!this.#queue.withdraw(operator.id, CANCEL, `store ${storeId} fell silent`)) return;
    const fields = { regionId: region.id, storeId };
    this.#runtime.logger.warn('a further replica is not added, as its store fell silent', fields);
  }
}
