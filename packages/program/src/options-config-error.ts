/** One thing that is wrong with a configuration. */
export interface OptionViolation {
  readonly option: string;
  /** What was given; `undefined` when the options do not fit together. */
  readonly value?: unknown;
  readonly reason: string;
}

/** A program's configuration that cannot be used, with everything that is wrong with it; each program has its own kind. */
export class OptionsConfigError extends Error {
  readonly code = 'invalidConfig';
  readonly violations: readonly OptionViolation[];

  constructor(violations: readonly OptionViolation[]) {
    super(`invalid configuration: ${violations.map(({ option, reason }) => `${option}: ${reason}`).join('; ')}`);
    this.name = 'OptionsConfigError';
    this.violations = violations;
  }
}
