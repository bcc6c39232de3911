import { checkConfig, wholeNumberViolations } from '@flotilla/runtime';
import { GrpcSchedulerClientConfigError } from '../grpc-client-config.ts';

/** How the thread of a scheduler client is watched; all durations in milliseconds. */
export interface SchedulerThreadConfig {
  /** Calls under way; a further one is refused as `unavailable`. */
  readonly maxCalls: number;
  /** Region heartbeats that cross together. */
  readonly maxHeartbeatsPerBatch: number;
  /** The longest a call may take, all its attempts included, before it fails as `unavailable`. */
  readonly callDeadlineMs: number;
  /** How often the thread is asked whether it is alive. */
  readonly pingIntervalMs: number;
  /** A thread that has not answered for so long hangs and is replaced. Rounded up to whole intervals. */
  readonly pingDeadlineMs: number;
  /** The same for the first answer of a thread, which has to load its code before. */
  readonly startDeadlineMs: number;
  /** The longest that closing the connection may take before the thread is ended by force. */
  readonly closeDeadlineMs: number;
  /** The pause before a thread is replaced; it doubles with each failure in a row. */
  readonly restartBackoffInitialMs: number;
  readonly restartBackoffMaxMs: number;
}

/** Values for a storage node. */
export const defaultSchedulerThreadConfig: SchedulerThreadConfig = Object.freeze({
  maxCalls: 4096,
  maxHeartbeatsPerBatch: 256,
  callDeadlineMs: 120_000,
  pingIntervalMs: 2000,
  pingDeadlineMs: 10_000,
  startDeadlineMs: 30_000,
  closeDeadlineMs: 5000,
  restartBackoffInitialMs: 50,
  restartBackoffMaxMs: 5000,
});

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {GrpcSchedulerClientConfigError} that names every violation.
 */
export function resolveSchedulerThreadConfig(partial: Partial<SchedulerThreadConfig> = {}): SchedulerThreadConfig {
  return checkConfig({ ...defaultSchedulerThreadConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new GrpcSchedulerClientConfigError(violations);

function violationsOf(config: SchedulerThreadConfig): string[] {
  const violations = wholeNumberViolations(config);
  if (config.restartBackoffMaxMs < config.restartBackoffInitialMs) {
    violations.push('restartBackoffMaxMs: must be at least restartBackoffInitialMs');
  }
  return violations;
}
