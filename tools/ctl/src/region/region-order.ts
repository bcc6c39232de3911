import { flotillapb } from '@flotilla/protocol';
import { type Command, type CommandContext, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { userKeys } from '../key-range-text.ts';
import { bytesFromArgument, type EncodingOptions, encodingOf } from '../text-argument.ts';
import { waitForOperator } from './operator-wait.ts';
import { operatorJson, operatorLine } from './region-table.ts';

/** How an order is given. */
export interface OrderArguments {
  readonly region: number;
  /** Waits until it is done. */
  readonly wait?: boolean | undefined;
}

/** An order that names a store. */
export interface StoreOrderArguments extends OrderArguments {
  readonly store: number;
}

/** An order that moves a replica. */
export interface MoveArguments extends OrderArguments {
  readonly from: number;
  readonly to: number;
}

/** A split. */
export interface SplitArguments extends OrderArguments, EncodingOptions {
  readonly keys: readonly string[];
}

const { AddPeer, RemovePeer, MovePeer, TransferLeader, SplitRegion } = flotillapb.OrderType;

/** `region add-peer`. */
export const addPeer: Command<StoreOrderArguments> = (context, args) =>
  order(context, args, { type: AddPeer, storeId: args.store });

/** `region remove-peer`. */
export const removePeer: Command<StoreOrderArguments> = (context, args) =>
  order(context, args, { type: RemovePeer, fromStoreId: args.store });

/** `region move-peer`. */
export const movePeer: Command<MoveArguments> = (context, args) =>
  order(context, args, { type: MovePeer, fromStoreId: args.from, storeId: args.to });

/** `region transfer-leader`. */
export const transferLeader: Command<StoreOrderArguments> = (context, args) =>
  order(context, args, { type: TransferLeader, storeId: args.store });

/** `region split`. */
export const splitRegion: Command<SplitArguments> = (context, args) => {
  const encoding = encodingOf(args);
  const keys = args.keys.map((text) => userKeys.inner(bytesFromArgument('KEY', text, encoding)));
  keys.sort((left, right) => Buffer.compare(left, right));
  return order(context, args, { type: SplitRegion, keys });
};

/** `region cancel`: ends what is under way for a region. */
export const cancelOperator: Command<{ readonly region: number }> = (context, { region }) =>
  withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    const { operator } = await operators.getRegion(region, context.interrupt);
    if (operator === undefined) throw new CommandError(`region ${region} has no operator`, exitCode.notDone);
    const ended = (await operators.cancel(operator.id, context.interrupt)) ?? operator;
    await report(context, ended);
    return exitCode.ok;
  });

function order(
  context: CommandContext,
  { region, wait }: OrderArguments,
  fields: Partial<flotillapb.RegionOrder> & Pick<flotillapb.RegionOrder, 'type'>,
) {
  return withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    const ordered = await operators.order(region, fields, context.interrupt);
    await report(context, wait === true ? await waitForOperator(context, operators, ordered) : ordered);
    return exitCode.ok;
  });
}

async function report({ terminal, options }: CommandContext, operator: flotillapb.OperatorInfo): Promise<void> {
  const text = options.json ? JSON.stringify(operatorJson(operator)) : `operator ${operatorLine(operator)}`;
  await terminal.write(`${text}\n`);
}
