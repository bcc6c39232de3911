import { type flotillapb, schedulerpb } from '@flotilla/protocol';
import { type Command, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { userKeys } from '../key-range-text.ts';
import { bytesFromArgument, type EncodingOptions, encodingOf } from '../text-argument.ts';
import { regionJson, renderRegion, renderRegions } from './region-table.ts';
import { writeOnceOrWatch } from './watch.ts';

/** Which regions to list. */
export interface RegionListArguments {
  readonly store?: number | undefined;
  readonly watch?: boolean | undefined;
  /** Only regions with something unusual: no leader, peers that lag or are down, roles in change, an operator. */
  readonly unsettled?: boolean | undefined;
}

/** `region list`: every region as the scheduler knows it. */
export const regionList: Command<RegionListArguments> = (context, { store, watch, unsettled }) =>
  withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    await writeOnceOrWatch(context, watch === true, async () => {
      const all = await operators.listRegions(context.interrupt);
      const regions = all.filter(
        (info) => (store === undefined || isOn(info, store)) && (!unsettled || isUnsettled(info)),
      );
      if (!context.options.json) return renderRegions(regions, context.terminal);
      return `${JSON.stringify({ regions: regions.map(regionJson) })}\n`;
    });
    return exitCode.ok;
  });

/** Which region to show. */
export interface RegionShowArguments extends EncodingOptions {
  readonly region?: number | undefined;
  /** Instead of a number: the region that holds this key. */
  readonly key?: string | undefined;
  readonly watch?: boolean | undefined;
}

/** `region show`: one region in full. */
export const regionShow: Command<RegionShowArguments> = (context, args) => {
  const { region, key, watch } = args;
  if ((region === undefined) === (key === undefined)) {
    throw new CommandError('name a region by its number, or by a key in it with --key', exitCode.usage);
  }
  const bytes = userKeys.inner(bytesFromArgument('--key', key ?? '', encodingOf(args)));
  return withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    const find = async (): Promise<flotillapb.RegionInfo> => {
      if (region !== undefined) return operators.getRegion(region, context.interrupt);
      const found = await operators.getRegionAt(bytes, context.interrupt);
      if (found === undefined) throw new CommandError('no region is known at this key', exitCode.notDone);
      return found;
    };
    await writeOnceOrWatch(context, watch === true, async () => {
      const info = await find();
      return context.options.json ? `${JSON.stringify(regionJson(info))}\n` : renderRegion(info, context.terminal);
    });
    return exitCode.ok;
  });
};

function isOn({ region }: flotillapb.RegionInfo, storeId: number): boolean {
  return region?.peers.some((peer) => peer.storeId === storeId) === true;
}

function isUnsettled({ region, leader, pendingPeers, downPeers, operator }: flotillapb.RegionInfo): boolean {
  const isChanging = operator?.status === schedulerpb.OperatorStatus.RUNNING;
  const isOdd = region?.peers.some(({ role }) => role !== 0) === true;
  return leader === undefined || pendingPeers.length > 0 || downPeers.length > 0 || isOdd || isChanging;
}
