import type { flotillapb } from '@flotilla/protocol';
import Table from 'cli-table3';
import { type Command, type CommandContext, CommandError, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { grouped } from '../load/progress.ts';
import type { Terminal } from '../terminal.ts';
import { compareReplicas, type RegionHashes } from './replica-hash.ts';

/** Whose replicas to compare. */
export interface RegionHashArguments {
  readonly region?: number | undefined;
  readonly all?: boolean | undefined;
}

/** Regions that are hashed at once: a store hashes only a few at a time. */
const concurrency = 3;

/** `region hash`: whether the replicas of one region, or of all, are equal. */
export const regionHash: Command<RegionHashArguments> = (context, { region, all }) => {
  if ((region === undefined) === (all !== true)) {
    throw new CommandError('name a region by its number, or all of them with --all', exitCode.usage);
  }
  return withConnection(context, async (connection) => {
    const operators = await connection.operators(context.interrupt);
    const regionIds = region === undefined ? (await operators.listRegions(context.interrupt)).map(idOf) : [region];
    const results = await mapBounded(regionIds, async (id) => {
      const hashes = await compareReplicas(context, connection, id);
      if (context.terminal.isErrorTty) context.terminal.writeError(`region ${id}: ${hashes.verdict}\n`);
      return hashes;
    });
    await write(context, results);
    return results.every(({ verdict }) => verdict === 'equal') ? exitCode.ok : exitCode.notDone;
  });
};

async function write({ terminal, options }: CommandContext, results: readonly RegionHashes[]): Promise<void> {
  const summary = {
    regions: results.length,
    equal: count(results, 'equal'),
    different: count(results, 'different'),
    unknown: count(results, 'unknown'),
  };
  if (options.json) {
    const regions = results.map(({ regionId, index, verdict, replicas }) => ({
      regionId,
      index,
      verdict,
      replicas: replicas.map(({ peer, hash, problem }) => {
        return { peerId: peer.id, storeId: peer.storeId, hash: hash ?? null, problem };
      }),
    }));
    await terminal.write(`${JSON.stringify({ summary, regions })}\n`);
    return;
  }
  await terminal.write(`${renderHashes(results, terminal)}\n${summaryLine(summary)}\n`);
}

function renderHashes(results: readonly RegionHashes[], terminal: Terminal): string {
  const table = new Table({
    head: ['region', 'index', 'replicas', 'hash', ''].map((name) => terminal.style('output', 'bold', name)),
    style: { head: [], border: [], compact: true },
  });
  for (const { regionId, index, replicas, verdict } of results) {
    const byHash = new Map<string, number[]>();
    for (const { peer, hash, problem } of replicas) {
      const key = hash ?? problem;
      byHash.set(key, [...(byHash.get(key) ?? []), peer.storeId]);
    }
    const colour = verdict === 'equal' ? 'green' : verdict === 'different' ? 'red' : 'yellow';
    for (const [hash, storeIds] of byHash) {
      const shown = /^[0-9a-f]{64}$/.test(hash) ? hash.slice(0, 16) : hash;
      const stores = `stores ${storeIds.join(' ')}`;
      table.push([String(regionId), grouped(index), stores, shown, terminal.style('output', colour, verdict)]);
    }
  }
  return table.toString();
}

function summaryLine(summary: Readonly<Record<'regions' | 'equal' | 'different' | 'unknown', number>>): string {
  const { regions, equal, different, unknown } = summary;
  const parts = [`${grouped(equal)} of ${grouped(regions)} regions have equal replicas`];
  if (different > 0) parts.push(`${grouped(different)} DIFFER`);
  if (unknown > 0) parts.push(`${grouped(unknown)} could not be compared`);
  return parts.join(', ');
}

function count(results: readonly RegionHashes[], verdict: RegionHashes['verdict']): number {
  return results.filter((each) => each.verdict === verdict).length;
}

function idOf({ region }: flotillapb.RegionInfo): number {
  return region?.id ?? 0;
}

/** The results in the order of the items. */
async function mapBounded<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let position = next; position < items.length; position = next) {
      next += 1;
      results[position] = await work(items[position] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
