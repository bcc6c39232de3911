import {
  type ConfigViolation,
  resolveStorageNodeConfig,
  type StorageNodeConfig,
  StorageNodeConfigError,
} from './config.ts';
import { type NodeOption, nodeOptions } from './option.ts';

/** What was set where. Texts are as typed; a file's values are as parsed from its JSON. */
export interface OptionSources {
  /** Values of flags, by option key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Content and name of the configuration file, if one was named. */
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
export function configFromSources(sources: OptionSources): StorageNodeConfig {
  const { values: fileValues, violations } = readFileValues(sources.file);
  const given: Record<string, unknown> = { ...fileValues };
  const origin = new Map<string, string>(
    Object.keys(fileValues).map((key) => [key, `${key} in ${sources.file?.path ?? 'the file'}`]),
  );
  for (const option of nodeOptions) {
    const flag = sources.flags[option.key];
    const variable = sources.environment[option.environment];
    if (flag !== undefined) {
      given[option.key] = typedValue(option, flag);
      origin.set(option.key, option.flag);
    } else if (variable !== undefined && variable !== '') {
      given[option.key] = typedValue(option, variable);
      origin.set(option.key, `environment variable ${option.environment}`);
    }
  }
  try {
    const config = resolveStorageNodeConfig(given);
    if (violations.length > 0) throw new OptionsError(violations);
    return config;
  } catch (error) {
    if (!(error instanceof StorageNodeConfigError)) throw error;
    throw new OptionsError([...violations, ...error.violations.map((violation) => lineOf(violation, origin))]);
  }
}

function readFileValues(file: OptionSources['file']): {
  readonly values: Readonly<Record<string, unknown>>;
  readonly violations: readonly string[];
} {
  if (file === undefined) return { values: {}, violations: [] };
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.content);
  } catch (error) {
    return { values: {}, violations: [`${file.path}: not valid JSON: ${(error as Error).message}`] };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { values: {}, violations: [`${file.path}: expected one JSON object of options`] };
  }
  return { values: parsed as Readonly<Record<string, unknown>>, violations: [] };
}

/** A number stays text when it is not one, so that the message shows what was typed. */
function typedValue(option: NodeOption, text: string): unknown {
  return option.type === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function lineOf({ option, value, reason }: ConfigViolation, origin: ReadonlyMap<string, string>): string {
  const flag = nodeOptions.find(({ key }) => key === option)?.flag ?? option;
  const where = origin.get(option) ?? `${flag} (default)`;
  const shown = value === undefined ? '' : ` is ${JSON.stringify(value)}`;
  return `${where}${shown}: ${reason}`;
}
