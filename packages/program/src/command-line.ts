import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { configFromSources, OptionsError } from './option-sources.ts';
import type { ProgramDescription } from './program-description.ts';

/** What a command line asks for. */
export interface CommandLine<Config> {
  readonly config: Config;
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
export function readCommandLine<Config extends object>(
  program: ProgramDescription<Config>,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  output: CommandLineOutput,
): CommandLine<Config> {
  const command = commandOf(program, output);
  command.parse([...args], { from: 'user' });
  const { printConfig, config, ...flags } = command.opts<
    Record<string, string | undefined> & { printConfig?: true; config?: string }
  >();
  const path = config ?? environment[program.fileVariable];
  const file = path === undefined || path === '' ? undefined : { path, content: readFileContent(path) };
  return { config: configFromSources(program, { flags, environment, file }), printConfig: printConfig === true };
}

function commandOf<Config extends object>(program: ProgramDescription<Config>, output: CommandLineOutput): Command {
  const { name, defaults, lastGroup } = program;
  const command = new Command(name)
    .description(program.description)
    .version(output.version)
    .showHelpAfterError(`(${name} --help lists the options)`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.writeOut(text), writeErr: (text) => output.writeError(text) })
    .allowExcessArguments(false);
  for (const { key, flag, argument, description, group } of program.options) {
    const standard = defaults[key];
    const shown = standard === undefined ? '' : ` (default: ${standard})`;
    command.addOption(inGroup(group, new Option(`${flag} ${argument}`, `${description}${shown}`)));
  }
  return command
    .addOption(inGroup(lastGroup, new Option('--config <file>', 'JSON file of options, named as in --print-config')))
    .addOption(inGroup(lastGroup, new Option('--print-config', 'print the effective options as JSON and end')))
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', program.helpAfter);
}

function inGroup(group: string | undefined, option: Option): Option {
  return group === undefined ? option : option.helpGroup(`${group}:`);
}

function readFileContent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionsError([`--config ${path}: cannot be read: ${(error as Error).message}`]);
  }
}
