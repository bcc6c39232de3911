import type { ProgramOption } from './option.ts';

/** A program as its command line shows it, and how its configuration comes about. */
export interface ProgramDescription<Config extends object> {
  /** The command. */
  readonly name: string;
  /** What it does, for the help. */
  readonly description: string;
  /** Every option, in the order of the help. */
  readonly options: readonly ProgramOption<keyof Config & string>[];
  readonly defaults: Config;
  /** The environment variable that names a configuration file. */
  readonly fileVariable: string;
  /** Heading of `--config` and `--print-config` in the help; without one they stand under the general heading. */
  readonly lastGroup?: string | undefined;
  /** What the help ends with. */
  readonly helpAfter: string;
  /**
   * Completes what was given with the defaults.
   *
   * @throws {OptionsConfigError} with every violation at once.
   */
  readonly resolve: (given: Readonly<Record<string, unknown>>) => Config;
}
