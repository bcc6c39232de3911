import { ConfigError, checkConfig, wholeNumberViolations } from '@flotilla/runtime';

/** How the service registry behaves. Times are in milliseconds. */
export interface ServiceRegistryConfig {
  /** What all its keys begin with; instances are at `PREFIX/NAME/INSTANCE`. */
  readonly keyPrefix: string;
  /** How long an instance stays listed after its process stopped renewing its lease. */
  readonly ttlMs: number;
  /** Whether the registry checks the health of the instances that it registered, and writes down what it finds. */
  readonly enableHealthCheck: boolean;
  /** The pause between two checks of one instance, and the longest that a check may take. */
  readonly healthCheckIntervalMs: number;
  readonly healthCheckTimeoutMs: number;
  /** Failed checks in a row that make a healthy instance unhealthy, and good ones that make it healthy again. */
  readonly unhealthyAfterFailures: number;
  readonly healthyAfterSuccesses: number;
  /** How often the backend is asked whether a watch is still up to date; without an answer for twice that, lists are stale. */
  readonly probeIntervalMs: number;
  /** The first and the longest pause between attempts to reach a backend that is away; each is up to half shorter, by chance. */
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  /** A service that nobody has asked for is watched for so long. */
  readonly idleAfterMs: number;
  /**
   * The share of a service's instances whose loss within the window is not believed: when more than that vanish without having
   * left, and at least so many, they stay listed for `retainMs`. A share of 1 turns it off.
   */
  readonly protectedShare: number;
  readonly protectedInstances: number;
  readonly protectionWindowMs: number;
  readonly retainMs: number;
}

/** The values of a process that asks for nothing else. */
export const defaultServiceRegistryConfig: ServiceRegistryConfig = Object.freeze({
  keyPrefix: '/services',
  ttlMs: 30_000,
  enableHealthCheck: false,
  healthCheckIntervalMs: 10_000,
  healthCheckTimeoutMs: 3_000,
  unhealthyAfterFailures: 3,
  healthyAfterSuccesses: 2,
  probeIntervalMs: 5_000,
  backoffInitialMs: 200,
  backoffMaxMs: 5_000,
  idleAfterMs: 300_000,
  protectedShare: 0.5,
  protectedInstances: 3,
  protectionWindowMs: 15_000,
  retainMs: 60_000,
});

/** Short leases and frequent checks. */
export const testServiceRegistryConfig: ServiceRegistryConfig = Object.freeze({
  ...defaultServiceRegistryConfig,
  ttlMs: 5_000,
  healthCheckIntervalMs: 2_000,
  healthCheckTimeoutMs: 1_000,
  probeIntervalMs: 1_000,
  backoffInitialMs: 50,
  backoffMaxMs: 500,
});

/** A configuration of the registry that cannot be used, with every reason at once. */
export class ServiceRegistryConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid configuration of the service registry', violations);
    this.name = 'ServiceRegistryConfigError';
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {ServiceRegistryConfigError} with code `invalidConfig` that names every violation.
 */
export function resolveServiceRegistryConfig(partial: Partial<ServiceRegistryConfig> = {}): ServiceRegistryConfig {
  return checkConfig(
    { ...defaultServiceRegistryConfig, ...partial },
    {
      violationsOf: serviceRegistryViolations,
      refuse: (violations) => new ServiceRegistryConfigError(violations),
    },
  );
}

/** One line for each violation; each begins with the field's name. */
export function serviceRegistryViolations(config: ServiceRegistryConfig): string[] {
  const { keyPrefix, enableHealthCheck, protectedShare, ...numbers } = config;
  const violations = wholeNumberViolations(numbers);
  if (typeof keyPrefix !== 'string' || keyPrefix === '' || keyPrefix.endsWith('/')) {
    violations.push("keyPrefix: must be a text that does not end in '/'");
  }
  if (typeof enableHealthCheck !== 'boolean') violations.push('enableHealthCheck: must be true or false');
  if (!(protectedShare > 0 && protectedShare <= 1)) {
    violations.push(`protectedShare: must be above 0 and at most 1, got ${String(protectedShare)}`);
  }
  if (numbers.backoffMaxMs < numbers.backoffInitialMs) {
    violations.push('backoffMaxMs: must be at least backoffInitialMs');
  }
  return violations;
}
