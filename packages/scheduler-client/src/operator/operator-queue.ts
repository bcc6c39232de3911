import { schedulerpb } from '@flotilla/protocol';
import { judgeStep, requestOf, type StepRequest } from './operator-step.ts';
import type { OperatorRecord, RegionOperator } from './region-operator.ts';
import type { RegionReport } from './region-report.ts';

/** Operators waiting for one region at most: a person's orders, not a scheduler's stream. */
const maxOperatorsPerRegion = 64;

/** Operators that have ended and are remembered. */
const maxRemembered = 1024;

const { SUCCESS, TIMEOUT, CANCEL, RUNNING } = schedulerpb.OperatorStatus;

/** An operator that has not ended. */
interface Entry {
  readonly operator: RegionOperator;
  readonly createdAtMs: number;
  /** When it came to the head of its queue; undefined before. */
  startedAtMs: number | undefined;
  finishedSteps: number;
}

/**
 * Operators by region, done one after the other, step by step. The step under way goes into the answer to each heartbeat
 * of the region until a heartbeat shows it done, because any answer may be lost and any leader may refuse it.
 */
export class OperatorQueue {
  readonly #nowMs: () => number;
  readonly #waiting = new Map<number, Entry[]>();
  /** By operator id, the oldest first. */
  readonly #ended = new Map<number, OperatorRecord>();
  readonly #lastEnded = new Map<number, OperatorRecord>();

  /** `nowMs` is a monotonic clock. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Appends an operator to its region's; `full` when there are 64 already. */
  enqueue(operator: RegionOperator): 'accepted' | 'full' {
    const queue = this.#queueOf(operator.regionId) ?? [];
    if (queue.length >= maxOperatorsPerRegion) return 'full';
    const nowMs = this.#nowMs();
    const startedAtMs = queue.length === 0 ? nowMs : undefined;
    queue.push({ operator, createdAtMs: nowMs, startedAtMs, finishedSteps: 0 });
    this.#waiting.set(operator.regionId, queue);
    return 'accepted';
  }

  /** Ends everything that waits for a region; returns how many operators that were. */
  cancel(regionId: number, reason: string): number {
    const queue = this.#queueOf(regionId) ?? [];
    // The one under way last, so that it is the region's latest.
    for (const entry of [...queue].reverse()) this.#end(entry, CANCEL, reason);
    this.#waiting.delete(regionId);
    return queue.length;
  }

  /** Ends one operator that has not ended; false when it is not there. */
  withdraw(operatorId: number, status: schedulerpb.OperatorStatus, reason: string): boolean {
    for (const [regionId, queue] of this.#waiting) {
      const position = queue.findIndex(({ operator }) => operator.id === operatorId);
      if (position < 0) continue;
      for (const entry of queue.splice(position, 1)) this.#end(entry, status, reason);
      this.#settle(regionId, queue);
      return true;
    }
    return false;
  }

  /** Ends what the report shows to be done or impossible, and what is overdue, and says what to ask for next. */
  advance(report: RegionReport): StepRequest {
    const regionId = report.region.id;
    const queue = this.#queueOf(regionId);
    for (let first = queue?.[0]; queue !== undefined && first !== undefined; first = queue[0]) {
      const outcome = this.#advanceEntry(first, report);
      if (outcome !== undefined) return outcome;
      queue.shift();
      this.#settle(regionId, queue);
    }
    return {};
  }

  /** The region's operator that is under way, else the one that ended last. */
  latest(regionId: number): OperatorRecord | undefined {
    const running = this.#queueOf(regionId)?.[0];
    return running === undefined ? this.#lastEnded.get(regionId) : recordOf(running);
  }

  /** An operator that has not ended, or one of the 1,024 that ended last. */
  byId(operatorId: number): OperatorRecord | undefined {
    // Looking at what has not ended ends what is overdue; so that comes first.
    return this.unended().find(({ operator }) => operator.id === operatorId) ?? this.#ended.get(operatorId);
  }

  /** Operators of a region that have not ended, in order. */
  waiting(regionId: number): readonly RegionOperator[] {
    return (this.#queueOf(regionId) ?? []).map(({ operator }) => operator);
  }

  /** Whether nothing waits for the region; cheap. */
  isIdle(regionId: number): boolean {
    return this.#queueOf(regionId) === undefined;
  }

  /** Every operator that has not ended. */
  unended(): OperatorRecord[] {
    const records: OperatorRecord[] = [];
    for (const regionId of [...this.#waiting.keys()]) records.push(...(this.#queueOf(regionId) ?? []).map(recordOf));
    return records;
  }

  /** The operators that ended last, the latest first. */
  recentlyEnded(): OperatorRecord[] {
    return [...this.#ended.values()].reverse();
  }

  /** What to ask for; undefined when the operator has ended. */
  #advanceEntry(entry: Entry, report: RegionReport): StepRequest | undefined {
    const { steps } = entry.operator;
    for (let step = steps[entry.finishedSteps]; step !== undefined; step = steps[entry.finishedSteps]) {
      const progress = judgeStep(step, report);
      if (progress === 'running') return requestOf(step, report);
      if (progress !== 'finished') {
        this.#end(entry, CANCEL, progress.impossible);
        return undefined;
      }
      entry.finishedSteps += 1;
    }
    this.#end(entry, SUCCESS, '');
    return undefined;
  }

  /** What waits for a region, without what is overdue; undefined when that is nothing. */
  #queueOf(regionId: number): Entry[] | undefined {
    const queue = this.#waiting.get(regionId);
    for (let first = queue?.[0]; queue !== undefined && first !== undefined; first = queue[0]) {
      const ageMs = this.#nowMs() - (first.startedAtMs ?? first.createdAtMs);
      if (ageMs <= first.operator.timeoutMs) return queue;
      this.#end(first, TIMEOUT, `not done within ${first.operator.timeoutMs} ms`);
      queue.shift();
      this.#settle(regionId, queue);
    }
    return undefined;
  }

  /** Starts the next operator of a region, or forgets the empty queue. */
  #settle(regionId: number, queue: readonly Entry[]): void {
    const first = queue[0];
    if (first === undefined) this.#waiting.delete(regionId);
    else first.startedAtMs ??= this.#nowMs();
  }

  #end(entry: Entry, status: schedulerpb.OperatorStatus, reason: string): void {
    const record = { ...recordOf(entry), status, reason, endedAtMs: this.#nowMs() };
    this.#ended.set(entry.operator.id, record);
    this.#lastEnded.set(entry.operator.regionId, record);
    if (this.#ended.size <= maxRemembered) return;
    const [oldestId, oldest] = this.#ended.entries().next().value as [number, OperatorRecord];
    this.#ended.delete(oldestId);
    const { regionId } = oldest.operator;
    if (this.#lastEnded.get(regionId) === oldest) this.#lastEnded.delete(regionId);
  }
}

function recordOf({ operator, createdAtMs, finishedSteps }: Entry): OperatorRecord {
  return { operator, status: RUNNING, finishedSteps, createdAtMs, endedAtMs: undefined, reason: '' };
}
