import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../option-number.ts';
import type { Run } from '../region/region-program.ts';
import {
  type ConfigWatchArguments,
  type ConfigWriteArguments,
  configDelete,
  configDiff,
  configGet,
  configHistory,
  configList,
  configRollback,
  configSet,
  configWatch,
} from './config-commands.ts';
import { type ElectArguments, elect } from './elect.ts';
import { type LockArguments, lock } from './lock.ts';
import {
  type RegisterArguments,
  type ServiceListArguments,
  serviceList,
  serviceRegister,
  serviceWatch,
} from './service-commands.ts';

/** Adds `lock`, `elect`, `service …` and `config …`. */
export function addCoordinationCommands(program: Command, run: Run): void {
  addLock(program, run);
  addElect(program, run);
  addService(program, run);
  addConfig(program, run);
}

const milliseconds = wholeNumber(1, 86_400_000);

function addLock(program: Command, run: Run): void {
  program
    .command('lock')
    .description('run a command while a lock is held; end it when the lock is lost')
    .argument('<name>', 'the lock')
    .argument('<command...>', 'after --: the command and its arguments')
    .addOption(ttlOption())
    .addOption(
      new Option('--wait-ms <ms>', 'the longest to wait for the lock; without end unless given').argParser(
        wholeNumber(0, 86_400_000),
      ),
    )
    .addOption(
      new Option('--kill-after-ms <ms>', 'how long the command may take to end when the lock is lost')
        .default(5_000)
        .argParser(wholeNumber(0, 3_600_000)),
    )
    .addHelpText('after', lockHelp)
    .action(
      (
        name: string,
        words: [string, ...string[]],
        options: Omit<LockArguments, 'name' | 'command'>,
        command: Command,
      ) => run(command, lock, { ...options, name, command: words }),
    );
}

const lockHelp = `
The command finds FLOTILLA_LOCK_KEY and FLOTILLA_FENCING_TOKEN in its environment: a number that rises with each holder,
for stores that can refuse an older one. Signals are passed on to it. When the lock is lost, its processes get SIGTERM, and
SIGKILL --kill-after-ms later. Exit code: the command's; 76 when the lock was lost; 73 when it was not free in --wait-ms.

Example:
  flotilla lock nightly --wait-ms 0 -- ./backup.sh --full`;

function addElect(program: Command, run: Run): void {
  program
    .command('elect')
    .description('stand for an office and hold it until Ctrl-C, or with --listen tell who holds it')
    .argument('<name>', 'the office')
    .argument('[value]', 'what is told of the holder')
    .option('--listen', 'print the value of each holder, until Ctrl-C')
    .addOption(ttlOption())
    .action(
      (name: string, value: string | undefined, options: Omit<ElectArguments, 'name' | 'value'>, command: Command) =>
        run(command, elect, { ...options, name, value }),
    );
}

function addService(program: Command, run: Run): void {
  const service = program.command('service').description('register instances of services, list them, watch them');
  service
    .command('register')
    .description('register an instance and keep it registered until Ctrl-C')
    .argument('<name>', 'the service')
    .argument('<instance>', 'the instance')
    .argument('<address>', 'host:port')
    .addOption(
      new Option('--metadata <key=value>', 'kept with the instance; may be given several times')
        .default({})
        .argParser(addPair),
    )
    .addOption(ttlOption())
    .action(
      (
        name: string,
        instance: string,
        address: string,
        options: Omit<RegisterArguments, 'name' | 'instance' | 'address'>,
        command: Command,
      ) => run(command, serviceRegister, { ...options, name, instance, address }),
    );
  const looks = [
    ['list', 'print the instances of a service', serviceList],
    ['watch', 'print the instances at each change, until Ctrl-C', serviceWatch],
  ] as const;
  for (const [name, description, runnable] of looks) {
    service
      .command(name)
      .description(description)
      .argument('<name>', 'the service')
      .option('--all', 'also instances that are unhealthy, in maintenance or draining')
      .action((of: string, options: Omit<ServiceListArguments, 'name'>, command: Command) =>
        run(command, runnable, { ...options, name: of }),
      );
  }
}

function addConfig(program: Command, run: Run): void {
  const config = program.command('config').description('read, write and watch configuration, with versions');
  config
    .command('get')
    .description('print a value as it is stored; exits with 1 when there is none')
    .argument('<key>')
    .addOption(new Option('--at <version>', 'the value of an earlier version').argParser(version))
    .action((key: string, options: { readonly at?: bigint }, command: Command) =>
      run(command, configGet, { ...options, key }),
    );
  withNote(config.command('set'))
    .description('set a value, and print its version')
    .argument('<key>')
    .argument('<value>', '- reads it from standard input')
    .action((key: string, value: string, options: Omit<ConfigWriteArguments, 'key'>, command: Command) =>
      run(command, configSet, { ...options, key, value }),
    );
  withNote(config.command('delete'))
    .description('delete a value; its history stays; exits with 1 when there is none')
    .argument('<key>')
    .action((key: string, options: Omit<ConfigWriteArguments, 'key'>, command: Command) =>
      run(command, configDelete, { ...options, key }),
    );
  config
    .command('list')
    .description('print keys, versions and values as tab-separated values')
    .argument('[prefix]', 'only keys that begin with it', '')
    .action((prefix: string, _options: unknown, command: Command) => run(command, configList, { prefix }));
  addHistory(config, run);
  config
    .command('watch')
    .description('print each change in a line, until Ctrl-C: type, key, version, value')
    .argument('<key>')
    .option('--prefix', 'all keys that begin with <key>')
    .option('--initial', 'begin with what there is')
    .addOption(new Option('--from <version>', 'changes of this version and later ones').argParser(version))
    .action((key: string, options: Omit<ConfigWatchArguments, 'key'>, command: Command) =>
      run(command, configWatch, { ...options, key }),
    );
}

function addHistory(config: Command, run: Run): void {
  config
    .command('history')
    .description('show the latest versions of a key, deleted or not, the oldest first')
    .argument('<key>')
    .addOption(new Option('--limit <versions>', 'how many').default(20).argParser(wholeNumber(1, 1_000_000)))
    .action((key: string, options: { readonly limit: number }, command: Command) =>
      run(command, configHistory, { ...options, key }),
    );
  config
    .command('diff')
    .description('show what changed from one version to another')
    .argument('<key>')
    .argument('<from>', 'version', version)
    .argument('<to>', 'version', version)
    .action((key: string, from: bigint, to: bigint, _options: unknown, command: Command) =>
      run(command, configDiff, { key, from, to }),
    );
  withNote(config.command('rollback'))
    .description('set the value of an earlier version again, as a new version that says so')
    .argument('<key>')
    .argument('<version>', 'the version to go back to', version)
    .action((key: string, to: bigint, options: Omit<ConfigWriteArguments, 'key'>, command: Command) =>
      run(command, configRollback, { ...options, key, version: to }),
    );
}

function withNote(command: Command): Command {
  return command
    .addOption(
      new Option('--if-version <version>', 'only if this version is there; 0: only if there is none').argParser(
        version,
      ),
    )
    .addOption(new Option('--author <name>', 'kept in the history').env('FLOTILLA_AUTHOR'))
    .option('--comment <text>', 'kept in the history');
}

function ttlOption(): Option {
  return new Option('--ttl-ms <ms>', 'how long it lasts once this process is gone').argParser(milliseconds);
}

function version(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('Expected a version: a whole number.');
  return BigInt(text);
}

function addPair(text: string, pairs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected key=value.');
  return { ...pairs, [text.slice(0, at)]: text.slice(at + 1) };
}
