import type { schedulerpb } from '@flotilla/protocol';
import { describeStep, type OperatorStep } from './operator-step.ts';

/** Who wants it: a person, or the checker that keeps the replicas of regions as they should be. */
export type OperatorKind = 'admin' | 'replica';

/** A change of one region, made of steps that its leaders do one after the other. */
export interface RegionOperator {
  readonly id: number;
  readonly regionId: number;
  readonly kind: OperatorKind;
  /** At least one. */
  readonly steps: readonly OperatorStep[];
  /** Given up when it has not ended this long after it began to run; may be infinite. */
  readonly timeoutMs: number;
}

/** An operator and how it stands. */
export interface OperatorRecord {
  readonly operator: RegionOperator;
  readonly status: schedulerpb.OperatorStatus;
  /** Steps that a report has shown done. */
  readonly finishedSteps: number;
  /** Monotonic milliseconds. */
  readonly createdAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Why it ended without being done; empty otherwise. */
  readonly reason: string;
}

/** The operator in a few words, for people. */
export function describeOperator(operator: RegionOperator): string {
  return operator.steps.map(describeStep).join(', then ');
}
