import type { ProgramOption } from './option.ts';
import { OptionsConfigError, type OptionViolation } from './options-config-error.ts';
import type { ProgramDescription } from './program-description.ts';

/** What was set where. Texts are as typed; a file's values are as parsed from its JSON. */
export interface OptionSources {
  /** Values of flags, by option key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name and content of the configuration file, if one was named. */
  readonly file?: { readonly path: string; readonly content: string } | undefined;
}

/** The options cannot be used; `lines` says for each violation which option, which value and from where. */
export class OptionsError extends Error {
  readonly code = 'invalidOptions';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.length === 1 ? `invalid option: ${lines[0]}` : `${lines.length} invalid options`);
    this.name = 'OptionsError';
    this.lines = lines;
  }
}

/**
 * Puts the sources together: flags win over the environment, which wins over the file, which wins over the defaults.
 *
 * @throws {OptionsError} with every violation at once.
 */
export function configFromSources<Config extends object>(
  program: Pick<ProgramDescription<Config>, 'options' | 'resolve'>,
  sources: OptionSources,
): Config {
  const fromFile = readFileValues(sources.file);
  const given: Record<string, unknown> = { ...fromFile.values };
  const origins = new Map(Object.keys(given).map((key) => [key, `${key} in ${sources.file?.path}`]));
  for (const option of program.options) {
    const flag = sources.flags[option.key];
    const variable = sources.environment[option.environment];
    if (flag !== undefined) {
      given[option.key] = typedValue(option, flag);
      origins.set(option.key, option.flag);
    } else if (variable !== undefined && variable !== '') {
      given[option.key] = typedValue(option, variable);
      origins.set(option.key, `environment variable ${option.environment}`);
    }
  }
  const lines = [...fromFile.violations];
  try {
    const config = program.resolve(given);
    if (lines.length === 0) return config;
  } catch (error) {
    if (!(error instanceof OptionsConfigError)) throw error;
    lines.push(...error.violations.map((violation) => lineOf(violation, program.options, origins)));
  }
  throw new OptionsError(lines);
}

interface FileValues {
  readonly values: Readonly<Record<string, unknown>>;
  readonly violations: readonly string[];
}

function readFileValues(file: OptionSources['file']): FileValues {
  if (file === undefined) return { values: {}, violations: [] };
  try {
    const parsed: unknown = JSON.parse(file.content);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return { values: parsed as FileValues['values'], violations: [] };
    }
    return { values: {}, violations: [`${file.path}: expected one JSON object of options`] };
  } catch (error) {
    return { values: {}, violations: [`${file.path}: not valid JSON: ${(error as Error).message}`] };
  }
}

/** Text that is not a number stays text, so that the complaint shows what was typed. */
function typedValue(option: ProgramOption, text: string): unknown {
  return option.type === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function lineOf(
  { option, value, reason }: OptionViolation,
  options: readonly ProgramOption[],
  origins: ReadonlyMap<string, string>,
): string {
  const flag = options.find(({ key }) => key === option)?.flag ?? option;
  const shown = value === undefined ? '' : ` is ${JSON.stringify(value)}`;
  return `${origins.get(option) ?? `${flag} (default)`}${shown}: ${reason}`;
}
