import { z } from 'zod';

const address = z.string().refine(isAddress, { error: 'expected host:port with a port from 0 to 65535' });
const dialAddress = z
  .string()
  .refine((text) => isAddress(text) && portOf(text) > 0, { error: 'expected host:port with a port from 1 to 65535' });
const whole = (minimum: number, maximum: number) =>
  z
    .number({ error: 'expected a number' })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, {
      error: `expected a whole number from ${minimum} to ${maximum}`,
    });
const oneOf = <const Choice extends string>(choices: readonly Choice[]) =>
  z.enum(choices, { error: `expected one of ${choices.join(', ')}` });

/** What each option may be. Its keys are the options' names in configuration files. */
export const storageNodeSchema = z.object({
  dataDir: z.string().min(1, { error: 'expected a path' }),
  listen: address,
  http: address,
  advertise: dialAddress.optional(),
  scheduler: dialAddress.optional(),
  schedulerListen: address,
  maxPeerCount: whole(1, 15),
  logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
  logFormat: oneOf(['auto', 'pretty', 'json']),
  tickIntervalMs: whole(1, 10_000),
  electionTicks: whole(2, 1_000),
  heartbeatTicks: whole(1, 999),
  logGcIntervalMs: whole(10, 3_600_000),
  logGcThreshold: whole(1, 1_000_000),
  logGcMaxEntries: whole(1, 100_000_000),
  regionHeartbeatIntervalMs: whole(10, 600_000),
  storeHeartbeatIntervalMs: whole(10, 600_000),
  shutdownTimeoutMs: whole(0, 600_000),
});

/**
 * How a storage node runs. Addresses are host:port; times are in milliseconds.
 *
 * - `dataDir`: everything the node keeps. One node at a time.
 * - `listen`, `http`: gRPC for clients and other stores; health and metrics.
 * - `advertise`: where other stores and clients reach `listen`, if elsewhere.
 * - `scheduler`: the cluster's scheduler. Without one, the node runs a scheduler of its own, kept in `dataDir` and served at
 *   `schedulerListen`, for `maxPeerCount` replicas of each region.
 * - `tickIntervalMs`, `electionTicks`, `heartbeatTicks`, `logGc…`, `…HeartbeatIntervalMs`: as in the raftstore's configuration.
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
  logLevel: 'info',
  logFormat: 'auto',
  tickIntervalMs: 100,
  electionTicks: 10,
  heartbeatTicks: 2,
  logGcIntervalMs: 10_000,
  logGcThreshold: 50,
  logGcMaxEntries: 128_000,
  // A new store gets its first replica within this time of joining.
  regionHeartbeatIntervalMs: 3_000,
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

/** One thing that is wrong with a configuration. */
export interface ConfigViolation {
  readonly option: keyof StorageNodeConfig | string;
  /** What was given; `undefined` when the options do not fit together. */
  readonly value?: unknown;
  readonly reason: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class StorageNodeConfigError extends Error {
  readonly code = 'invalidConfig';
  readonly violations: readonly ConfigViolation[];

  constructor(violations: readonly ConfigViolation[]) {
    super(`invalid configuration: ${violations.map(({ option, reason }) => `${option}: ${reason}`).join('; ')}`);
    this.name = 'StorageNodeConfigError';
    this.violations = violations;
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {StorageNodeConfigError} with every violation at once.
 */
export function resolveStorageNodeConfig(partial: Readonly<Record<string, unknown>> = {}): StorageNodeConfig {
  const given = { ...defaultStorageNodeConfig, ...partial };
  const parsed = storageNodeSchema.strict().safeParse(given);
  const violations: ConfigViolation[] = [];
  for (const issue of parsed.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') {
      violations.push(...issue.keys.map((option) => ({ option, reason: 'there is no such option' })));
      continue;
    }
    const option = String(issue.path[0]);
    violations.push({ option, value: (given as Readonly<Record<string, unknown>>)[option], reason: issue.message });
  }
  if (parsed.success) violations.push(...contradictions(parsed.data));
  if (violations.length > 0 || !parsed.success) throw new StorageNodeConfigError(violations);
  return Object.freeze(parsed.data);
}

/** What each option allows by itself but not together. */
function contradictions(config: StorageNodeConfig): ConfigViolation[] {
  const violations: ConfigViolation[] = [];
  const refuse = (option: keyof StorageNodeConfig, reason: string): void => {
    violations.push({ option, value: config[option], reason });
  };
  if (config.electionTicks <= config.heartbeatTicks) {
    refuse('electionTicks', `must be more than heartbeatTicks, which is ${config.heartbeatTicks}`);
  }
  if (config.logGcMaxEntries < config.logGcThreshold) {
    refuse('logGcMaxEntries', `must be at least logGcThreshold, which is ${config.logGcThreshold}`);
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

function isAddress(text: string): boolean {
  const port = portOf(text);
  return port >= 0 && port <= 65_535;
}

/** The port of host:port; NaN when it is not that. */
function portOf(text: string): number {
  return Number(/^(?:[^\s:[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text)?.[1]);
}

function isWildcard(text: string): boolean {
  return /^(0\.0\.0\.0|\[::\]|\[0:0:0:0:0:0:0:0\]):/.test(text);
}
