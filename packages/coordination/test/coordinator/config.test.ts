import { expect, test } from 'vitest';
import {
  CoordinationConfigError,
  defaultConfig,
  developmentConfig,
  newConfigCenterConfig,
  newDistributedLockConfig,
  newRetryConfig,
  newServiceRegistryConfig,
  productionConfig,
  resolveCoordinationConfig,
  testConfig,
} from '../../src/coordinator/config.ts';

const presets = { defaultConfig, developmentConfig, productionConfig, testConfig };

/** The lines of a refusal; none when it was not refused. */
function violationsOf(run: () => unknown): readonly string[] {
  try {
    run();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(CoordinationConfigError);
    return (error as CoordinationConfigError).violations;
  }
}

test.each([
  ['defaultConfig', [30, 10], [30, 10], 100, 3, [2, 100, 2_000], 'info', false],
  ['developmentConfig', [15, 5], [15, 5], 50, 3, [2, 100, 2_000], 'debug', false],
  ['productionConfig', [60, 20], [60, 20], 200, 3, [2, 100, 2_000], 'warn', true],
  ['testConfig', [5, 2], [5, 2], 10, 1, [1, 50, 500], 'debug', false],
] as const)('the preset %s has its values', (name, registry, lock, history, dialSeconds, retry, logLevel, isSeen) => {
  const config = presets[name];
  const { serviceRegistry, distributedLock, configCenter } = config;
  expect([serviceRegistry.ttlMs / 1_000, serviceRegistry.healthCheckIntervalMs / 1_000]).toEqual(registry);
  expect([distributedLock.defaultTtlMs / 1_000, distributedLock.renewIntervalMs / 1_000]).toEqual(lock);
  expect(configCenter.maxVersionHistory).toBe(history);
  expect(config.dialTimeoutMs).toBe(dialSeconds * 1_000);
  expect([config.retry.maxRetries, config.retry.initialIntervalMs, config.retry.maxIntervalMs]).toEqual(retry);
  expect(config.retry).toMatchObject({ multiplier: 1.5, jitter: 0.1 });
  expect(config.logLevel).toBe(logLevel);
  expect([config.enableMetrics, config.enableTracing]).toEqual([isSeen, isSeen]);
  const prefixes = [serviceRegistry, distributedLock, configCenter].map(({ keyPrefix }) => keyPrefix);
  expect(prefixes).toEqual(['/services', '/locks', '/config']);
  expect(resolveCoordinationConfig(config)).toEqual(config);
});

test('the factories put their arguments where they belong', () => {
  expect(newServiceRegistryConfig('/s', 1, 2, true)).toMatchObject({
    keyPrefix: '/s',
    ttlMs: 1,
    healthCheckIntervalMs: 2,
    enableHealthCheck: true,
  });
  expect(newDistributedLockConfig('/l', 4, 2, false)).toEqual({
    keyPrefix: '/l',
    defaultTtlMs: 4,
    renewIntervalMs: 2,
    enableReentrant: false,
  });
  expect(newConfigCenterConfig('/c', false, 3, false)).toEqual({
    keyPrefix: '/c',
    enableVersioning: false,
    maxVersionHistory: 3,
    enableValidation: false,
  });
  expect(newRetryConfig(1, 2, 3, 4)).toEqual({
    maxRetries: 1,
    initialIntervalMs: 2,
    maxIntervalMs: 3,
    multiplier: 4,
    jitter: 0.1,
  });
});

test('a part of a part is enough, and what is resolved is frozen, parts and all', () => {
  const config = resolveCoordinationConfig({ distributedLock: { defaultTtlMs: 40_000 } });
  expect(config.distributedLock).toEqual({ ...defaultConfig.distributedLock, defaultTtlMs: 40_000 });
  expect(resolveCoordinationConfig({ logLevel: 'error' }, testConfig)).toEqual({ ...testConfig, logLevel: 'error' });
  for (const part of [config, config.serviceRegistry, config.distributedLock, config.configCenter, config.retry]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('all violations are reported at once, each with its field', () => {
  const violations = violationsOf(() =>
    resolveCoordinationConfig({
      endpoints: [''],
      dialTimeoutMs: 0,
      username: 'root',
      tls: { cert: 'PEM' },
      logLevel: 'loud' as never,
      enableMetrics: 'yes' as never,
      serviceRegistry: { ttlMs: -1 },
      distributedLock: { renewIntervalMs: 20_000, enableReentrant: 1 as never },
      configCenter: { maxVersionHistory: 0.5, keyPrefix: '/config/' },
      retry: { multiplier: 0 },
    }),
  );
  expect(violations.map((line) => line.split(':')[0])).toEqual([
    'endpoints',
    'password',
    'tls.key',
    'dialTimeoutMs',
    'logLevel',
    'enableMetrics',
    'serviceRegistry.ttlMs',
    'distributedLock.enableReentrant',
    'distributedLock.renewIntervalMs',
    'configCenter.maxVersionHistory',
    'configCenter.keyPrefix',
    'retry.multiplier',
  ]);
});

test('a password is never part of a message', () => {
  const violations = violationsOf(() => resolveCoordinationConfig({ password: 'sesame', dialTimeoutMs: 0 }));
  expect(violations).toHaveLength(2);
  expect(violations.join()).not.toContain('sesame');
});

test.each([
  [{ serviceRegistry: { keyPrefix: '/config' } }],
  [{ distributedLock: { keyPrefix: '/services/locks' } }],
  [{ configCenter: { keyPrefix: '/locks' } }],
])('prefixes that lie within each other are refused: %j', (partial) => {
  expect(violationsOf(() => resolveCoordinationConfig(partial))).toEqual([
    expect.stringMatching(/^keyPrefix: the prefixes/),
  ]);
  expect(violationsOf(() => resolveCoordinationConfig({ configCenter: { keyPrefix: '/config2' } }))).toEqual([]);
});
