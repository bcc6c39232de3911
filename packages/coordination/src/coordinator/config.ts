import { ConfigError, checkConfig, type LogLevel, wholeNumberViolations } from '@flotilla/runtime';
import { type ConfigCenterConfig, configCenterViolations } from '../config-center/config.ts';
import {
  defaultServiceRegistryConfig,
  type ServiceRegistryConfig,
  serviceRegistryViolations,
} from '../registry/config.ts';
import { type DistributedLockConfig, distributedLockViolations } from './lock-config.ts';
import { type RetryConfig, retryViolations } from './retry-policy.ts';

/** How connections to etcd are encrypted. Certificates and keys are PEM. */
export interface TlsConfig {
  /** Whom to trust; the system's own authorities unless given. */
  readonly ca?: string | undefined;
  /** The client's own certificate with its key, for servers that ask for one; both or neither. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to find in the server's certificate, if it is not the endpoint's. */
  readonly serverName?: string | undefined;
}

/** How a coordinator behaves. Times are in milliseconds. */
export interface CoordinationConfig {
  /** Addresses of an etcd cluster, `host:port` or URLs; empty for the embedded backend. */
  readonly endpoints: readonly string[];
  /** How long a connection may take to be made. */
  readonly dialTimeoutMs: number;
  /** Of a user of etcd; both or neither. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: TlsConfig | undefined;
  readonly serviceRegistry: ServiceRegistryConfig;
  readonly distributedLock: DistributedLockConfig;
  readonly configCenter: ConfigCenterConfig;
  readonly retry: RetryConfig;
  readonly logLevel: LogLevel;
  /** Whether calls are counted and timed for Prometheus. */
  readonly enableMetrics: boolean;
  /** Whether calls become spans of OpenTelemetry; the application installs its SDK. */
  readonly enableTracing: boolean;
}

/** A configuration with any of its fields, and of its parts any of theirs. */
export interface PartialCoordinationConfig
  extends Partial<Omit<CoordinationConfig, 'serviceRegistry' | 'distributedLock' | 'configCenter' | 'retry'>> {
  readonly serviceRegistry?: Partial<ServiceRegistryConfig> | undefined;
  readonly distributedLock?: Partial<DistributedLockConfig> | undefined;
  readonly configCenter?: Partial<ConfigCenterConfig> | undefined;
  readonly retry?: Partial<RetryConfig> | undefined;
}

/** The registry's settings. Times are in milliseconds. */
export function newServiceRegistryConfig(
  keyPrefix: string,
  ttlMs: number,
  healthCheckIntervalMs: number,
  enableHealthCheck: boolean,
): ServiceRegistryConfig {
  // A check that takes longer than the pause between two would be late for the next.
  const healthCheckTimeoutMs = Math.min(defaultServiceRegistryConfig.healthCheckTimeoutMs, healthCheckIntervalMs);
  const chosen = { keyPrefix, ttlMs, healthCheckIntervalMs, healthCheckTimeoutMs, enableHealthCheck };
  return Object.freeze({ ...defaultServiceRegistryConfig, ...chosen });
}

/** The locks' settings. Times are in milliseconds. */
export function newDistributedLockConfig(
  keyPrefix: string,
  defaultTtlMs: number,
  renewIntervalMs: number,
  enableReentrant: boolean,
): DistributedLockConfig {
  return Object.freeze({ keyPrefix, defaultTtlMs, renewIntervalMs, enableReentrant });
}

/** The configuration centre's settings. */
export function newConfigCenterConfig(
  keyPrefix: string,
  enableVersioning: boolean,
  maxVersionHistory: number,
  enableValidation: boolean,
): ConfigCenterConfig {
  return Object.freeze({ keyPrefix, enableVersioning, maxVersionHistory, enableValidation });
}

/** A retry policy with a jitter of a tenth. Intervals are in milliseconds. */
export function newRetryConfig(
  maxRetries: number,
  initialIntervalMs: number,
  maxIntervalMs: number,
  multiplier: number,
): RetryConfig {
  return Object.freeze({ maxRetries, initialIntervalMs, maxIntervalMs, multiplier, jitter: 0.1 });
}

/** What a process gets that asks for nothing else. */
export const defaultConfig: CoordinationConfig = Object.freeze({
  endpoints: Object.freeze([]),
  dialTimeoutMs: 3_000,
  username: undefined,
  password: undefined,
  tls: undefined,
  serviceRegistry: newServiceRegistryConfig('/services', 30_000, 10_000, false),
  distributedLock: newDistributedLockConfig('/locks', 30_000, 10_000, true),
  configCenter: newConfigCenterConfig('/config', true, 100, true),
  retry: newRetryConfig(2, 100, 2_000, 1.5),
  logLevel: 'info',
  enableMetrics: false,
  enableTracing: false,
});

/** Shorter leases, so that what a stopped debugger held is free soon, and logs that tell of each call. */
export const developmentConfig: CoordinationConfig = Object.freeze({
  ...defaultConfig,
  serviceRegistry: newServiceRegistryConfig('/services', 15_000, 5_000, false),
  distributedLock: newDistributedLockConfig('/locks', 15_000, 5_000, true),
  configCenter: newConfigCenterConfig('/config', true, 50, true),
  logLevel: 'debug',
});

/** Longer leases, which outlast a slow moment, and everything that helps to see what happens. */
export const productionConfig: CoordinationConfig = Object.freeze({
  ...defaultConfig,
  serviceRegistry: newServiceRegistryConfig('/services', 60_000, 20_000, false),
  distributedLock: newDistributedLockConfig('/locks', 60_000, 20_000, true),
  configCenter: newConfigCenterConfig('/config', true, 200, true),
  logLevel: 'warn',
  enableMetrics: true,
  enableTracing: true,
});

/** Everything short, and one retry. */
export const testConfig: CoordinationConfig = Object.freeze({
  ...defaultConfig,
  dialTimeoutMs: 1_000,
  serviceRegistry: newServiceRegistryConfig('/services', 5_000, 2_000, false),
  distributedLock: newDistributedLockConfig('/locks', 5_000, 2_000, true),
  configCenter: newConfigCenterConfig('/config', true, 10, true),
  retry: newRetryConfig(1, 50, 500, 1.5),
  logLevel: 'debug',
});

/** A configuration of a coordinator that cannot be used, with every reason at once. */
export class CoordinationConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid coordination configuration', violations);
    this.name = 'CoordinationConfigError';
  }
}

/**
 * Completes a configuration with the defaults, its parts field by field, and freezes it.
 *
 * @param base What fields that are not given are taken from: a preset, or the defaults.
 * @throws {CoordinationConfigError} with code `invalidConfig` that names every violation, those of the parts with theirs before.
 */
export function resolveCoordinationConfig(
  partial: PartialCoordinationConfig = {},
  base: CoordinationConfig = defaultConfig,
): CoordinationConfig {
  const parts = {
    serviceRegistry: Object.freeze({ ...base.serviceRegistry, ...partial.serviceRegistry }),
    distributedLock: Object.freeze({ ...base.distributedLock, ...partial.distributedLock }),
    configCenter: Object.freeze({ ...base.configCenter, ...partial.configCenter }),
    retry: Object.freeze({ ...base.retry, ...partial.retry }),
  };
  return checkConfig<CoordinationConfig>(
    { ...pickConfig(base), ...pickConfig(partial), ...parts },
    { violationsOf: coordinationViolations, refuse: (violations) => new CoordinationConfigError(violations) },
  );
}

/** The fields of a configuration alone, of an object that may have others. */
function pickConfig<Config extends object>(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([field]) => Object.hasOwn(defaultConfig, field))) as Config;
}

const logLevels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] satisfies LogLevel[];

function coordinationViolations(config: CoordinationConfig): string[] {
  const { dialTimeoutMs, logLevel, enableMetrics, enableTracing } = config;
  const violations = [...connectionViolations(config), ...wholeNumberViolations({ dialTimeoutMs })];
  if (!logLevels.includes(logLevel)) violations.push(`logLevel: must be one of ${logLevels.join(', ')}`);
  for (const [field, value] of Object.entries({ enableMetrics, enableTracing })) {
    if (typeof value !== 'boolean') violations.push(`${field}: must be true or false`);
  }
  const within = (part: string, found: readonly string[]): string[] => found.map((line) => `${part}.${line}`);
  return [
    ...violations,
    ...within('serviceRegistry', serviceRegistryViolations(config.serviceRegistry)),
    ...within('distributedLock', distributedLockViolations(config.distributedLock)),
    ...within('configCenter', configCenterViolations(config.configCenter)),
    ...within('retry', retryViolations(config.retry)),
    ...prefixViolations(config),
  ];
}

function connectionViolations({ endpoints, username, password, tls }: CoordinationConfig): string[] {
  const violations: string[] = [];
  if (!Array.isArray(endpoints) || endpoints.some((endpoint) => typeof endpoint !== 'string' || endpoint === '')) {
    violations.push('endpoints: must be a list of addresses');
  }
  if ((username === undefined) !== (password === undefined)) {
    violations.push('password: must be given with username, and only with it');
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    violations.push('tls.key: must be given with tls.cert, and only with it');
  }
  return violations;
}

/** Prefixes that lie within each other would show one part's keys to another. */
function prefixViolations({ serviceRegistry, distributedLock, configCenter }: CoordinationConfig): string[] {
  const prefixes = [serviceRegistry, distributedLock, configCenter].map((part) => `${part.keyPrefix}/`);
  const areApart = prefixes.every((one, i) => prefixes.every((other, j) => i === j || !one.startsWith(other)));
  return areApart
    ? []
    : ['keyPrefix: the prefixes of registry, locks and configuration must not lie within each other'];
}
