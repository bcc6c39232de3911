import type { Verdict } from '@flotilla/test-harness';
import type { FaultWindow } from './unavailability.ts';

/** What a run did and found, beside the history. */
export interface RunRecord {
  readonly seed: number;
  readonly nodes: number;
  readonly minutes: number;
  readonly notices: readonly string[];
  readonly windows: readonly FaultWindow[];
  readonly processViolations: readonly string[];
  readonly recoveryViolations: readonly string[];
  readonly clientViolations: readonly string[];
  /** How many regions there were in the end; undefined where nobody could be asked. */
  readonly regions: number | undefined;
  /** The origin of the history's times. */
  readonly originMs: number;
  /** Whether the history ends with a read of everything; a run that was ended early has none. */
  readonly isRead: boolean;
  /** Whether replicas are equal in the end; undefined for a run that was ended early. */
  readonly replicas: Verdict | undefined;
  readonly historyPath: string;
}
