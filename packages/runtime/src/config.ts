/** A configuration that cannot be used, with everything that is wrong with it; each package has its own kind. */
export class ConfigError extends Error {
  readonly code: string = 'invalidConfig';
  /** One line for each violation; each begins with the field's name. */
  readonly violations: readonly string[];

  /** `problem` opens the message, as in `invalid client configuration`. */
  constructor(problem: string, violations: readonly string[]) {
    super(`${problem}: ${violations.join('; ')}`);
    this.violations = violations;
  }
}

/** How a completed configuration is judged. */
export interface ConfigRules<Config> {
  /** One line for each violation. */
  readonly violationsOf: (config: Config) => readonly string[];
  /** The error that names them all. */
  readonly refuse: (violations: readonly string[]) => ConfigError;
}

/**
 * Checks a configuration that has been completed with its defaults, and freezes it.
 *
 * @throws {ConfigError} as `refuse` makes it, with every violation at once.
 */
export function checkConfig<Config extends object>(config: Config, rules: ConfigRules<Config>): Config {
  const violations = rules.violationsOf(config);
  if (violations.length > 0) throw rules.refuse(violations);
  return Object.freeze(config);
}

/** The largest whole number that Node's timers and gRPC's options take. */
const largest = 2 ** 31 - 1;

/** A violation for each field that is not a whole number from 1 to 2147483647. */
export function wholeNumberViolations(fields: object): string[] {
  return Object.entries(fields)
    .filter(
      ([, value]: [string, unknown]) =>
        !(Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= largest),
    )
    .map(([field, value]) => `${field}: must be a whole number from 1 to ${largest}, got ${String(value)}`);
}
