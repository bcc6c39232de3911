import { ConfigError, checkConfig } from '@flotilla/runtime';

/** How the placement driver works; all durations in milliseconds. */
export interface SchedulerConfig {
  /** Ids reserved by one synced write, 1 to 1,000,000. A crash wastes at most this many. */
  readonly idBatchSize: number;
  /** How far ahead of the last timestamp the durable mark is set, 10 to 60,000; at most one synced write in this time. */
  readonly timestampWindowMs: number;
  /** Peers of a region in a new cluster, 1 to 15. */
  readonly maxPeerCount: number;
  /** A store silent for longer is `disconnected`. */
  readonly storeDisconnectedAfterMs: number;
  /** A store silent for longer is `unhealthy`. */
  readonly storeUnhealthyAfterMs: number;
  /** A store silent for longer is `down`: replicas on it are replaced once their leaders miss them too. */
  readonly storeDownAfterMs: number;
  /** How long an operator that moves peers or splits may take, 1,000 to a day. */
  readonly peerOperatorTimeoutMs: number;
  /** How long an operator that moves leadership only may take, 1,000 to a day. */
  readonly leaderOperatorTimeoutMs: number;
  /** Regions whose replicas are mended at once, 1 to 10,000. */
  readonly replicaScheduleLimit: number;
  /** Replicas that are being added to one store at once, 1 to 1,000; each may take a snapshot. */
  readonly maxAddsPerStore: number;
  /** After a person's order, a region's replicas are neither added to nor removed for this long; 0 to a day. */
  readonly adminHoldMs: number;
}

/** Defaults for a cluster in use, as PD has them. */
export const defaultSchedulerConfig: SchedulerConfig = {
  idBatchSize: 1000,
  timestampWindowMs: 3000,
  maxPeerCount: 3,
  storeDisconnectedAfterMs: 20_000,
  storeUnhealthyAfterMs: 600_000,
  storeDownAfterMs: 1_800_000,
  peerOperatorTimeoutMs: 600_000,
  leaderOperatorTimeoutMs: 60_000,
  replicaScheduleLimit: 64,
  maxAddsPerStore: 8,
  adminHoldMs: 300_000,
};

/** Small batches and short patience, so that tests cross every boundary. */
export const testSchedulerConfig: SchedulerConfig = {
  idBatchSize: 10,
  timestampWindowMs: 100,
  maxPeerCount: 3,
  storeDisconnectedAfterMs: 200,
  storeUnhealthyAfterMs: 1000,
  storeDownAfterMs: 3000,
  peerOperatorTimeoutMs: 10_000,
  leaderOperatorTimeoutMs: 2000,
  replicaScheduleLimit: 4,
  maxAddsPerStore: 2,
  adminHoldMs: 500,
};

/** A configuration that cannot be used, with everything that is wrong with it. */
export class SchedulerConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super("the scheduler's configuration is invalid", violations);
    this.name = 'SchedulerConfigError';
  }
}

/**
 * Completes and checks a configuration.
 *
 * @throws {SchedulerConfigError} with every violation at once.
 */
export function resolveSchedulerConfig(partial: Partial<SchedulerConfig> = {}): SchedulerConfig {
  return checkConfig({ ...defaultSchedulerConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new SchedulerConfigError(violations);

function violationsOf(config: SchedulerConfig): string[] {
  const violations: string[] = [];
  const within = (field: keyof SchedulerConfig, least: number, most: number): void => {
    const value = config[field];
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      violations.push(`${field} is ${value}; it must be a whole number from ${least} to ${most}`);
    }
  };
  within('idBatchSize', 1, 1_000_000);
  within('timestampWindowMs', 10, 60_000);
  within('maxPeerCount', 1, 15);
  within('storeDisconnectedAfterMs', 1, 86_400_000);
  within('storeUnhealthyAfterMs', config.storeDisconnectedAfterMs, 86_400_000);
  within('storeDownAfterMs', config.storeUnhealthyAfterMs, 86_400_000);
  within('peerOperatorTimeoutMs', 1000, 86_400_000);
  within('leaderOperatorTimeoutMs', 1000, 86_400_000);
  within('replicaScheduleLimit', 1, 10_000);
  within('maxAddsPerStore', 1, 1000);
  within('adminHoldMs', 0, 86_400_000);
  return violations;
}
