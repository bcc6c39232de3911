import { ConfigError, checkConfig, wholeNumberViolations } from '@flotilla/runtime';

/** How the gRPC client behaves; all durations in milliseconds. */
export interface GrpcSchedulerClientConfig {
  /** The deadline of one attempt of one call. */
  readonly requestTimeoutMs: number;
  /** How long `connect` goes on trying to reach a scheduler. */
  readonly connectTimeoutMs: number;
  /** Attempts of a call that may be repeated without harm, the first included. */
  readonly maxAttempts: number;
  /** The pause before the second attempt; it doubles with each further one, and is shortened by up to half by chance. */
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  /** Regions whose heartbeats may wait; a later heartbeat of a region takes the place of the one that waits. */
  readonly maxQueuedHeartbeats: number;
  /** How often an idle connection is probed, and how long the answer may take before the connection counts as dead. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** Values for a scheduler on the same network. */
export const defaultGrpcSchedulerClientConfig: GrpcSchedulerClientConfig = Object.freeze({
  requestTimeoutMs: 3000,
  connectTimeoutMs: 15_000,
  maxAttempts: 5,
  backoffInitialMs: 50,
  backoffMaxMs: 1000,
  maxQueuedHeartbeats: 16_384,
  keepaliveTimeMs: 10_000,
  keepaliveTimeoutMs: 3000,
});

/** Short pauses and a small queue. */
export const testGrpcSchedulerClientConfig: GrpcSchedulerClientConfig = Object.freeze({
  ...defaultGrpcSchedulerClientConfig,
  connectTimeoutMs: 5000,
  backoffInitialMs: 5,
  backoffMaxMs: 20,
  maxQueuedHeartbeats: 8,
});

/** A configuration that cannot be used, with everything that is wrong with it. */
export class GrpcSchedulerClientConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid configuration of the scheduler client', violations);
    this.name = 'GrpcSchedulerClientConfigError';
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {GrpcSchedulerClientConfigError} that names every violation.
 */
export function resolveGrpcSchedulerClientConfig(
  partial: Partial<GrpcSchedulerClientConfig> = {},
): GrpcSchedulerClientConfig {
  return checkConfig({ ...defaultGrpcSchedulerClientConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new GrpcSchedulerClientConfigError(violations);

function violationsOf(config: GrpcSchedulerClientConfig): string[] {
  const violations = wholeNumberViolations(config);
  if (config.backoffMaxMs < config.backoffInitialMs) {
    violations.push('backoffMaxMs: must be at least backoffInitialMs');
  }
  return violations;
}
