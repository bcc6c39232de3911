import { ConfigError, checkConfig, wholeNumberViolations } from '@flotilla/runtime';

/** How the configuration centre stores values. */
export interface ConfigCenterConfig {
  /** What all its keys begin with; values are below `PREFIX/`, their history below `PREFIX.history/`. */
  readonly keyPrefix: string;
  /** Whether each write leaves a version in the key's history, in the same revision. */
  readonly enableVersioning: boolean;
  /** Versions kept for each key, deletions included; the oldest go first. */
  readonly maxVersionHistory: number;
  /** Whether values are checked by the schemas that were given. */
  readonly enableValidation: boolean;
}

/** The values of a process that asks for nothing else. */
export const defaultConfigCenterConfig: ConfigCenterConfig = Object.freeze({
  keyPrefix: '/config',
  enableVersioning: true,
  maxVersionHistory: 100,
  enableValidation: true,
});

/** A history short enough to be filled quickly. */
export const testConfigCenterConfig: ConfigCenterConfig = Object.freeze({
  ...defaultConfigCenterConfig,
  maxVersionHistory: 10,
});

/** A configuration of the configuration centre that cannot be used, with every reason at once. */
export class ConfigCenterConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid configuration of the configuration centre', violations);
    this.name = 'ConfigCenterConfigError';
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {ConfigCenterConfigError} with code `invalidConfig` that names every violation.
 */
export function resolveConfigCenterConfig(partial: Partial<ConfigCenterConfig> = {}): ConfigCenterConfig {
  return checkConfig(
    { ...defaultConfigCenterConfig, ...partial },
    {
      violationsOf: configCenterViolations,
      refuse: (violations) => new ConfigCenterConfigError(violations),
    },
  );
}

/** One line for each violation; each begins with the field's name. */
export function configCenterViolations(config: ConfigCenterConfig): string[] {
  const { keyPrefix, maxVersionHistory, enableVersioning, enableValidation } = config;
  const violations = wholeNumberViolations({ maxVersionHistory });
  if (typeof keyPrefix !== 'string' || keyPrefix === '' || keyPrefix.endsWith('/')) {
    violations.push("keyPrefix: must be a text that does not end in '/'");
  }
  for (const [field, value] of Object.entries({ enableVersioning, enableValidation })) {
    if (typeof value !== 'boolean') violations.push(`${field}: must be true or false`);
  }
  return violations;
}
