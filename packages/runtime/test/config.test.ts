import { expect, test } from 'vitest';
import { ConfigError, checkConfig, wholeNumberViolations } from '../src/config.ts';

interface PumpConfig {
  readonly intervalMs: number;
  readonly capacity: number;
}

class PumpConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid pump configuration', violations);
    this.name = 'PumpConfigError';
  }
}

const rules = {
  violationsOf: (config: PumpConfig) => wholeNumberViolations(config),
  refuse: (violations: readonly string[]) => new PumpConfigError(violations),
};

test('freezes a configuration without violations', () => {
  const config = checkConfig({ intervalMs: 1, capacity: 2 ** 31 - 1 }, rules);
  expect(config).toEqual({ intervalMs: 1, capacity: 2_147_483_647 });
  expect(Object.isFrozen(config)).toBe(true);
});

test('names every violation at once, in an error of the package', () => {
  let refusal: unknown;
  try {
    checkConfig({ intervalMs: 0, capacity: 1.5 }, rules);
  } catch (error) {
    refusal = error;
  }
  const violations = [
    'intervalMs: must be a whole number from 1 to 2147483647, got 0',
    'capacity: must be a whole number from 1 to 2147483647, got 1.5',
  ];
  expect(refusal).toBeInstanceOf(PumpConfigError);
  expect(refusal).toMatchObject({
    name: 'PumpConfigError',
    code: 'invalidConfig',
    message: `invalid pump configuration: ${violations.join('; ')}`,
    violations,
  });
});

test.each([0, -1, 2 ** 31, 0.5, Number.NaN, '5', undefined])('takes %s for no whole number', (value) => {
  expect(wholeNumberViolations({ value })).toHaveLength(1);
});
