import { schedulerpb } from '@flotilla/protocol';
import {
  judgeOperator,
  type OperatorStep,
  operatorStep,
  type RegionOperator,
  type RegionReport,
} from './region-operator.ts';

/** Operators waiting for one region at most: a person's orders, not a scheduler's stream. */
const maxOperatorsPerRegion = 64;

/** Regions whose last ended operator is remembered. */
const maxRememberedRegions = 1024;

/** An operator and how it stands. */
export interface OperatorRecord {
  readonly operator: RegionOperator;
  readonly status: schedulerpb.OperatorStatus;
}

/**
 * Operators by region, done one after the other. The first of a region goes into the answer to each of its heartbeats
 * until a heartbeat shows it finished, because any answer may be lost and any leader may refuse it.
 */
export class OperatorQueue {
  readonly #waiting = new Map<number, RegionOperator[]>();
  readonly #ended = new Map<number, OperatorRecord>();

  /** Appends an operator; `full` when the region has 64 already. */
  enqueue(regionId: number, operator: RegionOperator): 'accepted' | 'full' {
    const queue = this.#waiting.get(regionId) ?? [];
    if (queue.length >= maxOperatorsPerRegion) return 'full';
    queue.push(operator);
    this.#waiting.set(regionId, queue);
    return 'accepted';
  }

  /** Drops what waits for a region; returns how many operators that were. */
  cancel(regionId: number): number {
    const queue = this.#waiting.get(regionId) ?? [];
    const first = queue[0];
    if (first !== undefined) this.#remember(regionId, first, schedulerpb.OperatorStatus.CANCEL);
    this.#waiting.delete(regionId);
    return queue.length;
  }

  /** Drops one operator that has not ended; false when it is not there. */
  withdraw(regionId: number, operator: RegionOperator): boolean {
    const queue = this.#waiting.get(regionId);
    const position = queue?.indexOf(operator) ?? -1;
    if (queue === undefined || position < 0) return false;
    queue.splice(position, 1);
    if (queue.length === 0) this.#waiting.delete(regionId);
    this.#remember(regionId, operator, schedulerpb.OperatorStatus.CANCEL);
    return true;
  }

  /** Drops what the report shows to be finished or impossible, and says what to ask for next. */
  advance(report: RegionReport): OperatorStep {
    const regionId = report.region.id;
    const queue = this.#waiting.get(regionId);
    if (queue === undefined) return {};
    let first = queue[0];
    while (first !== undefined) {
      const progress = judgeOperator(first, report);
      if (progress === 'running') return operatorStep(first, report);
      const { SUCCESS, CANCEL } = schedulerpb.OperatorStatus;
      this.#remember(regionId, first, progress === 'finished' ? SUCCESS : CANCEL);
      queue.shift();
      first = queue[0];
    }
    this.#waiting.delete(regionId);
    return {};
  }

  /** The region's operator that is under way, else the one that ended last. */
  latest(regionId: number): OperatorRecord | undefined {
    const running = this.#waiting.get(regionId)?.[0];
    if (running !== undefined) return { operator: running, status: schedulerpb.OperatorStatus.RUNNING };
    return this.#ended.get(regionId);
  }

  /** Operators of a region that have not ended, in order. */
  waiting(regionId: number): readonly RegionOperator[] {
    return [...(this.#waiting.get(regionId) ?? [])];
  }

  #remember(regionId: number, operator: RegionOperator, status: schedulerpb.OperatorStatus): void {
    this.#ended.delete(regionId);
    this.#ended.set(regionId, { operator, status });
    if (this.#ended.size <= maxRememberedRegions) return;
    const oldest = this.#ended.keys().next();
    if (oldest.done !== true) this.#ended.delete(oldest.value);
  }
}
