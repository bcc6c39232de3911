import { Argument, type Command, Option } from 'commander';
import type { Command as Runnable } from '../command-context.ts';
import { wholeNumber } from '../option-number.ts';
import { type RegionHashArguments, regionHash } from './region-hash.ts';
import { type RegionListArguments, type RegionShowArguments, regionList, regionShow } from './region-list.ts';
import {
  addPeer,
  cancelOperator,
  movePeer,
  removePeer,
  type SplitArguments,
  splitRegion,
  transferLeader,
} from './region-order.ts';
import { type StoreListArguments, storeList } from './store-list.ts';

/** Runs what a command line asks for. */
export type Run = <Arguments>(command: Command, runnable: Runnable<Arguments>, own: Arguments) => Promise<void>;

const id = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** Adds `region …`: looks at regions and orders changes of them. */
export function addRegionCommands(program: Command, run: Run): void {
  const region = program
    .command('region')
    .description('show regions, split them, move their leaders and replicas, compare replicas')
    .addHelpText('after', regionHelp);
  addLooks(region, run);
  addSplit(region, run);
  addMoves(region, run);
  region
    .command('cancel')
    .description('end the operator that is under way for a region; what it has done stays done')
    .addArgument(regionArgument())
    .action((regionId: number, _options: unknown, command: Command) =>
      run(command, cancelOperator, { region: regionId }),
    );
}

/** Adds `store …`: looks at stores. */
export function addStoreCommands(program: Command, run: Run): void {
  const store = program.command('store').description('show stores as the scheduler knows them from their heartbeats');
  store
    .command('list')
    .description('every store: state, regions, disk, snapshots')
    .option('--watch', 'look again every second until Ctrl-C')
    .action((options: StoreListArguments, command: Command) => run(command, storeList, { watch: options.watch }));
  store
    .command('show')
    .description('one store')
    .addArgument(storeArgument('store', 'number of the store'))
    .option('--watch', 'look again every second until Ctrl-C')
    .action((storeId: number, options: StoreListArguments, command: Command) =>
      run(command, storeList, { store: storeId, watch: options.watch }),
    );
}

const regionHelp = `
An order goes to the scheduler, which makes an operator of it: steps that it asks the region's leader for until they are
done. Without --wait the command ends when the order is taken; with --wait it tells each step and ends with the operator.
Ctrl-C ends the waiting, not the operator. Exit code 73: the order is impossible, or ended without being done.

Examples:
  flotilla region list --store 3
  flotilla region show --key apple
  flotilla region split 12 m t --wait
  flotilla region move-peer 12 1 4 --wait
  flotilla region hash --all`;

function addLooks(region: Command, run: Run): void {
  region
    .command('list')
    .description(
      'every region: keys, leader, replicas, size, operator; … marks a replica that lags, ! one not heard of',
    )
    .addOption(new Option('--store <store>', 'only regions with a replica there').argParser(id))
    .option('--unsettled', 'only regions without a leader, with replicas that lag or are down, or in change')
    .option('--watch', 'look again every second until Ctrl-C')
    .action((options: RegionListArguments, command: Command) => run(command, regionList, options));
  withEncoding(region.command('show'))
    .description('one region: its replicas, size, flow, and what is being done to it')
    .addArgument(new Argument('[region]', 'number of the region').argParser(id))
    .option('--key <key>', 'the region that holds this key')
    .option('--watch', 'look again every second until Ctrl-C')
    .action((regionId: number | undefined, options: RegionShowArguments, command: Command) =>
      run(command, regionShow, { ...options, region: regionId }),
    );
  region
    .command('hash')
    .description('compare the replicas of a region, or of all, by a hash at one entry of the log')
    .addArgument(new Argument('[region]', 'number of the region').argParser(id))
    .option('--all', 'every region')
    .action((regionId: number | undefined, options: RegionHashArguments, command: Command) =>
      run(command, regionHash, { region: regionId, all: options.all }),
    );
}

function addSplit(region: Command, run: Run): void {
  withWait(withEncoding(region.command('split')))
    .description('split a region at keys, or in the middle of its data')
    .addArgument(regionArgument())
    .argument('[keys...]', 'first keys of the new regions; in the middle without any')
    .action((regionId: number, keys: string[], options: Omit<SplitArguments, 'region' | 'keys'>, command: Command) =>
      run(command, splitRegion, { ...options, region: regionId, keys }),
    );
}

function addMoves(region: Command, run: Run): void {
  const moves = [
    ['transfer-leader', 'let the replica on a store lead', 'where the new leader is', transferLeader],
    ['add-peer', 'add a replica on a store: a learner that votes once it has caught up', 'without a replica', addPeer],
    ['remove-peer', 'remove the replica on a store; if it leads, another one does first', 'with a replica', removePeer],
  ] as const;
  for (const [name, description, what, runnable] of moves) {
    withWait(region.command(name))
      .description(description)
      .addArgument(regionArgument())
      .addArgument(storeArgument('store', `number of the store ${what}`))
      .action((regionId: number, store: number, options: WaitOption, command: Command) =>
        run(command, runnable, { region: regionId, store, wait: options.wait }),
      );
  }
  withWait(region.command('move-peer'))
    .description('move a replica from one store to another: the new one is there before the old one goes')
    .addArgument(regionArgument())
    .addArgument(storeArgument('from', 'number of the store with the replica'))
    .addArgument(storeArgument('to', 'number of the store that gets it'))
    .action((regionId: number, from: number, to: number, options: WaitOption, command: Command) =>
      run(command, movePeer, { region: regionId, from, to, wait: options.wait }),
    );
}

interface WaitOption {
  readonly wait?: boolean | undefined;
}

function withWait(command: Command): Command {
  return command.option('--wait', 'tell each step, and end when the operator has ended');
}

function withEncoding(command: Command): Command {
  return command.option('--hex', 'keys are written in hexadecimal').option('--base64', 'keys are written in base64');
}

function regionArgument(): Argument {
  return new Argument('<region>', 'number of the region').argParser(id);
}

function storeArgument(name: string, description: string): Argument {
  return new Argument(`<${name}>`, description).argParser(id);
}
