import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { defaultStorageNodeConfig, type StorageNodeConfig } from './config.ts';
import { nodeOptions } from './option.ts';
import { configFromSources, type OptionSources, OptionsError } from './option-sources.ts';

/** What a command line asks for. */
export interface CommandLine {
  readonly config: StorageNodeConfig;
  /** Print the configuration and end. */
  readonly printConfig: boolean;
}

/** Where the command line's own output goes. */
export interface CommandLineOutput {
  readonly version: string;
  writeOut(text: string): void;
  writeError(text: string): void;
}

/**
 * Reads the arguments (without program names), the environment and the file that they name.
 *
 * @throws {OptionsError} when options are invalid.
 * @throws {CommanderError} when the arguments make no sense, and after `--help` and `--version`, which it has answered.
 */
export function readCommandLine(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  output: CommandLineOutput,
): CommandLine {
  const program = programOf(output);
  program.parse([...args], { from: 'user' });
  const flags = program.opts<Record<string, string | undefined> & { printConfig?: boolean; config?: string }>();
  const path = flags.config ?? environment['FLOTILLA_CONFIG'];
  const file = path === undefined || path === '' ? undefined : { path, content: readFileContent(path) };
  const sources: OptionSources = { flags, environment, file };
  return { config: configFromSources(sources), printConfig: flags.printConfig === true };
}

function programOf(output: CommandLineOutput): Command {
  const program = new Command('flotilla-node')
    .description(
      'Runs a storage node. Without options: one node with its scheduler inside, data in ./data, loopback only.',
    )
    .version(output.version)
    .showHelpAfterError('(flotilla-node --help lists the options)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.writeOut(text),
      writeErr: (text) => output.writeError(text),
    })
    .allowExcessArguments(false);
  for (const option of nodeOptions) {
    const standard = defaultStorageNodeConfig[option.key];
    const shown = standard === undefined ? '' : ` (default: ${standard})`;
    const description = `${option.description}${shown}`;
    program.addOption(new Option(`${option.flag} ${option.argument}`, description).helpGroup(`${option.group}:`));
  }
  return program
    .addOption(new Option('--config <file>', 'JSON file of options, named as in --print-config').helpGroup('Other:'))
    .addOption(new Option('--print-config', 'print the effective options as JSON and end').helpGroup('Other:'))
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', helpAfter);
}

const helpAfter = `
Each option can also be set by an environment variable (--data-dir by FLOTILLA_DATA_DIR, and so on) or in the file.
Flags win over the environment, the environment wins over the file.

Exit codes: 0 stopped · 64 invalid options · 65 damaged data · 70 internal error · 72 port in use ·
73 data directory cannot be written · 75 data directory in use · 76 data of another cluster · 78 data of another version ·
130 forced to stop`;

function readFileContent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionsError([`--config ${path}: cannot be read: ${(error as Error).message}`]);
  }
}
