import { type flotillapb, metapb } from '@flotilla/protocol';
import Table from 'cli-table3';
import { type Command, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { grouped } from '../load/progress.ts';
import type { Terminal } from '../terminal.ts';
import { sizeText } from './region-table.ts';
import { writeOnceOrWatch } from './watch.ts';

/** Which stores to list. */
export interface StoreListArguments {
  /** One store alone. */
  readonly store?: number | undefined;
  readonly watch?: boolean | undefined;
}

/** `store list` and `store show`: stores as the scheduler knows them from their heartbeats. */
export const storeList: Command<StoreListArguments> = (context, { store, watch }) =>
  withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    await writeOnceOrWatch(context, watch === true, async () => {
      const all = await operators.listStores(context.interrupt);
      const stores = all.filter((info) => store === undefined || info.store?.id === store);
      if (store !== undefined && stores.length === 0) {
        throw new CommandError(`there is no store ${store}`, exitCode.notDone);
      }
      if (!context.options.json) return renderStores(stores, context.terminal);
      return `${JSON.stringify({ stores: stores.map(storeJson) })}\n`;
    });
    return exitCode.ok;
  });

function renderStores(stores: readonly flotillapb.StoreInfo[], terminal: Terminal): string {
  const names = ['store', 'address', 'state', 'heard', 'regions', 'capacity', 'available', 'snapshots s/r/a', 'busy'];
  const table = new Table({
    head: names.map((name) => terminal.style('output', 'bold', name)),
    style: { head: [], border: [], compact: true },
  });
  for (const { store, stats, liveness, silentMs } of stores) {
    const isUp = liveness === 'up' && store?.state === metapb.StoreState.Up;
    table.push([
      String(store?.id ?? 0),
      store?.address ?? '',
      terminal.style('output', isUp ? 'green' : 'red', stateText(store, liveness)),
      stats === undefined ? 'never' : `${grouped(Math.round(silentMs / 1000))} s ago`,
      grouped(stats?.regionCount ?? 0),
      sizeText(stats?.capacity ?? 0),
      sizeText(stats?.available ?? 0),
      `${stats?.sendingSnapCount ?? 0}/${stats?.receivingSnapCount ?? 0}/${stats?.applyingSnapCount ?? 0}`,
      stats?.isBusy === true ? 'yes' : '',
    ]);
  }
  return `${table.toString()}\n`;
}

function storeJson({ store, stats, liveness, silentMs }: flotillapb.StoreInfo): unknown {
  return {
    id: store?.id ?? 0,
    address: store?.address ?? '',
    state: stateName(store),
    liveness,
    silentMs: stats === undefined ? null : silentMs,
    regions: stats?.regionCount ?? null,
    capacity: stats?.capacity ?? null,
    available: stats?.available ?? null,
    used: stats?.usedSize ?? null,
    snapshots: {
      sending: stats?.sendingSnapCount ?? 0,
      receiving: stats?.receivingSnapCount ?? 0,
      applying: stats?.applyingSnapCount ?? 0,
    },
    isBusy: stats?.isBusy ?? false,
  };
}

function stateText(store: metapb.Store | undefined, liveness: string): string {
  return store?.state === metapb.StoreState.Up ? liveness : `${stateName(store)}, ${liveness}`;
}

function stateName(store: metapb.Store | undefined): string {
  const names = {
    [metapb.StoreState.Up]: 'up',
    [metapb.StoreState.Offline]: 'leaving',
    [metapb.StoreState.Tombstone]: 'removed',
  };
  return names[store?.state ?? metapb.StoreState.Up];
}
