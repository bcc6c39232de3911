import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { deleteKey } from './command/delete.ts';
import { get } from './command/get.ts';
import { type LoadArguments, load } from './command/load.ts';
import { playground } from './command/playground.ts';
import { put } from './command/put.ts';
import { type ScanArguments, scan } from './command/scan.ts';
import { status } from './command/status.ts';
import type { CommandContext, GlobalOptions, Command as Runnable } from './command-context.ts';
import { addCoordinationCommands } from './coordination/coordination-program.ts';
import { exitCode } from './exit-code.ts';
import { wholeNumber } from './option-number.ts';
import type { PlaygroundOptions } from './playground/plan.ts';
import { addRegionCommands, addStoreCommands, type Run } from './region/region-program.ts';
import type { Terminal } from './terminal.ts';
import type { EncodingOptions } from './text-argument.ts';

/** How the program reaches the world beyond its arguments. */
export interface ProgramWorld {
  readonly terminal: Terminal;
  readonly version: string;
  contextOf(options: GlobalOptions): CommandContext;
}

/** Runs the command line `args` (without program names) to its exit code; rejects with what the command failed with. */
export async function runProgram(args: readonly string[], world: ProgramWorld): Promise<number> {
  let code: number = exitCode.ok;
  const program = baseProgram(world);
  const run = async <Arguments>(command: Command, runnable: Runnable<Arguments>, own: Arguments): Promise<void> => {
    code = await runnable(world.contextOf(command.optsWithGlobals<GlobalOptions>()), own);
  };
  addDataCommands(program, run);
  addLoad(program, run);
  program
    .command('status')
    .description('show stores, regions, leaders, terms and log indexes')
    .action((_options: unknown, command: Command) => run(command, status, {}));
  addRegionCommands(program, run);
  addStoreCommands(program, run);
  addCoordinationCommands(program, run);
  addPlayground(program, run);
  await program.parseAsync([...args], { from: 'user' });
  return code;
}

function baseProgram({ terminal, version }: ProgramWorld): Command {
  const program = new Command('flotilla')
    .description('Talks to a Flotilla cluster: reads and writes, loads files, shows status.')
    .version(version)
    .addOption(
      new Option('--scheduler <host:port>', 'address of the scheduler')
        .env('FLOTILLA_SCHEDULER')
        .default('127.0.0.1:7400')
        .argParser(address),
    )
    .addOption(
      new Option('--etcd <endpoints>', 'locks, services and configuration of an etcd cluster: addresses, by commas')
        .env('FLOTILLA_ETCD')
        .argParser(endpoints),
    )
    .addOption(new Option('--etcd-user <name:password>', 'who to be to etcd').env('FLOTILLA_ETCD_USER'))
    .addOption(
      new Option('--timeout-ms <ms>', 'the longest that one request waits')
        .env('FLOTILLA_TIMEOUT_MS')
        .default(10_000)
        .argParser(wholeNumber(1, 3_600_000)),
    )
    .addOption(new Option('--json', 'print results as JSON').default(false))
    .showHelpAfterError('(flotilla --help lists the commands)')
    .exitOverride()
    .configureOutput({
      // A failure is told when the output is flushed at the end.
      writeOut: (text) => void terminal.write(text).catch(() => {}),
      writeErr: (text) => terminal.writeError(text),
      outputError: (text, write) => write(text.replace(/^error:/, terminal.style('error', 'red', 'error:'))),
    })
    .addHelpText('after', exitCodesHelp);
  return program;
}

const exitCodesHelp = `
Exit codes: 0 done · 1 key not found · 64 wrong usage · 65 malformed or oversized data · 69 cluster unavailable ·
70 internal error · 72 playground: port in use · 73 order not done, version or lock in the way · 74 output not written ·
75 outcome of a write unknown · 76 lock lost · 130 interrupted; lock: otherwise those of its command`;

function withEncoding(command: Command): Command {
  return command
    .option('--hex', 'keys and values are written in hexadecimal')
    .option('--base64', 'keys and values are written in base64');
}

function addDataCommands(program: Command, run: Run): void {
  withEncoding(program.command('put'))
    .description('write a value')
    .argument('<key>', 'key, at least one byte')
    .argument('<value>', 'value; - reads it from standard input')
    .action((key: string, value: string, options: EncodingOptions, command: Command) =>
      run(command, put, { ...options, key, value }),
    );
  withEncoding(program.command('get'))
    .description('print a value as it is stored; exits with 1 when there is none')
    .argument('<key>')
    .action((key: string, options: EncodingOptions, command: Command) => run(command, get, { ...options, key }));
  withEncoding(program.command('delete'))
    .description('remove a key')
    .argument('<key>')
    .action((key: string, options: EncodingOptions, command: Command) => run(command, deleteKey, { ...options, key }));
  withEncoding(program.command('scan'))
    .description('print pairs in key order, as tab-separated values or with --json as NDJSON')
    .argument('[start]', 'first key (included)')
    .argument('[end]', 'last key (excluded)')
    .option('--prefix <text>', 'only keys that begin with it')
    .addOption(new Option('--limit <pairs>', 'the most pairs').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .option('--keys-only', 'print no values')
    .action((start: string | undefined, end: string | undefined, options: ScanArguments, command: Command) =>
      run(command, scan, { ...options, start, end }),
    );
}

function addLoad(program: Command, run: Run): void {
  withEncoding(program.command('load'))
    .description('write the records of a file; run again after a stop, it goes on where it stopped')
    .addArgument(new Argument('<file>', 'NDJSON {"key":…,"value":…} or two-column TSV; - reads standard input'))
    .addOption(
      new Option('--format <format>', 'told from the name or the first line if not given').choices(['ndjson', 'tsv']),
    )
    .option('--skip-bad', 'go on past lines that are no records, and count them')
    .option('--restart', 'begin at the first line even if an earlier load stopped midway')
    .addOption(
      new Option('--concurrency <records>', 'records written at once, in batches')
        .default(4_096)
        .argParser(wholeNumber(1, 16_384)),
    )
    .action((file: string, options: Omit<LoadArguments, 'file'>, command: Command) =>
      run(command, load, { ...options, file }),
    );
}

function addPlayground(program: Command, run: Run): void {
  program
    .command('playground')
    .description('run a scheduler and storage nodes together, restart what dies, clean up on Ctrl-C')
    .option('--data-dir <path>', 'where the data of all of them is kept', './data/playground')
    .addOption(
      new Option('--base-port <port>', "the scheduler's port; node n listens 10 n above")
        .default(7400)
        .argParser(wholeNumber(1, 65_000)),
    )
    .addOption(new Option('--nodes <number>', 'storage nodes').default(3).argParser(wholeNumber(1, 9)))
    .addOption(
      new Option('--log-level <level>', 'of the processes')
        .default('info')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    )
    .action((options: PlaygroundOptions, command: Command) => run(command, playground, options));
}

function endpoints(text: string): readonly string[] {
  const addresses = text.split(',').map((each) => each.trim());
  if (addresses.includes(''))
    throw new InvalidArgumentError('Expected host:port, or several with commas between them.');
  return addresses;
}

function address(text: string): string {
  const port = Number(/^(?:[^\s:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text)?.[1]);
  if (!(port >= 1 && port <= 65_535)) throw new InvalidArgumentError('Expected host:port.');
  return text;
}
