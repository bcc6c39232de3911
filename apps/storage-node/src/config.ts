import {
  dialAddress,
  isWildcard,
  listenAddress,
  logFormat,
  logLevel,
  OptionsConfigError,
  type OptionViolation,
  portOf,
  schemaViolations,
  wholeNumber,
} from '@flotilla/program';
import { z } from 'zod';

/** What each option may be. Its keys are the options' names in configuration files. */
export const storageNodeSchema = z.object({
  dataDir: z.string().min(1, { error: 'expected a path' }),
  listen: listenAddress,
  http: listenAddress,
  advertise: dialAddress.optional(),
  scheduler: dialAddress.optional(),
  schedulerListen: listenAddress,
  maxPeerCount: wholeNumber(1, 15),
  coordination: z.enum(['on', 'off'], { error: 'expected on or off' }),
  logLevel,
  logFormat,
  tickIntervalMs: wholeNumber(1, 10_000),
  electionTicks: wholeNumber(2, 1_000),
  heartbeatTicks: wholeNumber(1, 999),
  logGcIntervalMs: wholeNumber(10, 3_600_000),
  logGcThreshold: wholeNumber(1, 1_000_000),
  logGcMaxEntries: wholeNumber(1, 100_000_000),
  regionMaxBytes: wholeNumber(1_024, 1_000_000_000_000),
  regionSplitBytes: wholeNumber(1_024, 1_000_000_000_000),
  splitCheckIntervalMs: wholeNumber(10, 3_600_000),
  regionHeartbeatIntervalMs: wholeNumber(10, 600_000),
  hibernateAfterMs: wholeNumber(0, 3_600_000),
  idleRegionHeartbeatIntervalMs: wholeNumber(10, 3_600_000),
  storeHeartbeatIntervalMs: wholeNumber(10, 600_000),
  shutdownTimeoutMs: wholeNumber(0, 600_000),
});

/**
 * How a storage node runs. Addresses are host:port; times are in milliseconds.
 *
 * - `dataDir`: everything the node keeps. One node at a time.
 * - `listen`, `http`: gRPC for clients and other stores; health and metrics.
 * - `advertise`: where other stores and clients reach `listen`, if elsewhere.
 * - `scheduler`: the cluster's scheduler. Without one, the node runs a scheduler of its own, kept in `dataDir` and served at
 *   `schedulerListen`, for `maxPeerCount` replicas of each region.
 * - `coordination`: whether the cluster has a coordination machine, in a region of its own. The same on all its nodes, from the
 *   first one on.
 * - `tickIntervalMs`, `electionTicks`, `heartbeatTicks`, `logGc…`, `region…Bytes`, `splitCheckIntervalMs`,
 *   `hibernateAfterMs`, `…HeartbeatIntervalMs`: as in the raftstore's configuration.
 * - `shutdownTimeoutMs`: how long a shutdown may spend on handing leadership to other stores.
 */
export type StorageNodeConfig = Readonly<z.infer<typeof storageNodeSchema>>;

/** One node on this machine, with its scheduler inside, reachable from this machine only. */
export const defaultStorageNodeConfig: StorageNodeConfig = Object.freeze({
  dataDir: './data',
  listen: '127.0.0.1:7410',
  http: '127.0.0.1:7411',
  schedulerListen: '127.0.0.1:7400',
  maxPeerCount: 3,
  coordination: 'on',
  logLevel: 'info',
  logFormat: 'auto',
  tickIntervalMs: 100,
  electionTicks: 10,
  heartbeatTicks: 2,
  logGcIntervalMs: 10_000,
  logGcThreshold: 50,
  logGcMaxEntries: 128_000,
  regionMaxBytes: 144 * 1024 * 1024,
  regionSplitBytes: 96 * 1024 * 1024,
  splitCheckIntervalMs: 10_000,
  // A new store gets its first replica within this time of joining.
  regionHeartbeatIntervalMs: 3_000,
  // Ten reports: what the scheduler wants of a region that was woken for it is done before it sleeps again.
  hibernateAfterMs: 30_000,
  idleRegionHeartbeatIntervalMs: 60_000,
  storeHeartbeatIntervalMs: 3_000,
  shutdownTimeoutMs: 5_000,
});

/** Ports that the system chooses and short intervals. The data directory must be given. */
export const testStorageNodeConfig: StorageNodeConfig = Object.freeze({
  ...defaultStorageNodeConfig,
  listen: '127.0.0.1:0',
  http: '127.0.0.1:0',
  schedulerListen: '127.0.0.1:0',
  logLevel: 'warn',
  tickIntervalMs: 20,
  logGcIntervalMs: 100,
  regionHeartbeatIntervalMs: 100,
  storeHeartbeatIntervalMs: 200,
  shutdownTimeoutMs: 2_000,
});

/** A node's configuration that cannot be used, with everything that is wrong with it. */
export class StorageNodeConfigError extends OptionsConfigError {
  override readonly name = 'StorageNodeConfigError';
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {StorageNodeConfigError} with every violation at once.
 */
export function resolveStorageNodeConfig(partial: Readonly<Record<string, unknown>> = {}): StorageNodeConfig {
  const given: Readonly<Record<string, unknown>> = { ...defaultStorageNodeConfig, ...partial };
  const parsed = storageNodeSchema.strict().safeParse(given);
  const violations = schemaViolations(parsed.error, given);
  if (parsed.success) violations.push(...contradictions(parsed.data));
  if (violations.length > 0 || !parsed.success) throw new StorageNodeConfigError(violations);
  return Object.freeze(parsed.data);
}

/** What each option allows by itself but not together. */
function contradictions(config: StorageNodeConfig): OptionViolation[] {
  const violations: OptionViolation[] = [];
  const refuse = (option: keyof StorageNodeConfig, reason: string): void => {
    violations.push({ option, value: config[option], reason });
  };
  if (config.electionTicks <= config.heartbeatTicks) {
    refuse('electionTicks', `must be more than heartbeatTicks, which is ${config.heartbeatTicks}`);
  }
  if (config.logGcMaxEntries < config.logGcThreshold) {
    refuse('logGcMaxEntries', `must be at least logGcThreshold, which is ${config.logGcThreshold}`);
  }
  if (config.regionSplitBytes > config.regionMaxBytes) {
    refuse('regionSplitBytes', `must not exceed regionMaxBytes, which is ${config.regionMaxBytes}`);
  }
  if (config.advertise === undefined && isWildcard(config.listen)) {
    refuse('advertise', `is needed when listen is ${config.listen}: other stores cannot dial that`);
  }
  if (config.scheduler !== undefined) {
    // The default says nothing, so that a printed configuration is one that can be read.
    for (const option of ['schedulerListen', 'maxPeerCount'] as const) {
      if (config[option] !== defaultStorageNodeConfig[option]) {
        refuse(option, 'belongs to the scheduler inside the node; scheduler names another');
      }
    }
  }
  const listeners = (['listen', 'http', ...(config.scheduler === undefined ? ['schedulerListen'] : [])] as const).map(
    (option) => [option as 'listen' | 'http' | 'schedulerListen', config[option as 'listen']] as const,
  );
  for (const [position, [option, where]] of listeners.entries()) {
    const taken = listeners.slice(0, position).find(([, other]) => other === where && portOf(where) !== 0);
    if (taken !== undefined) refuse(option, `is the same address as ${taken[0]}`);
  }
  return violations;
}
