import { join } from 'node:path';
import { waitUntil } from '@flotilla/test-harness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PartedLoad } from '../../src/parted-load.ts';
import { RegionCluster } from '../../src/region-cluster.ts';
import { bytesOf, firstDifference, recordSequence, writeShuffled } from '../../src/sequence-records.ts';

const minute = 60_000;
/** `npm run e2e:million` asks for all of them. */
const count = Number(process.env['FLOTILLA_E2E_RECORDS'] ?? 60_000);
const isWhole = count >= 1_000_000;
const leastRegions = isWhole ? 30 : 12;
/** The whole run lasts longer than what happens on the way; the small one has parts that wait for it. */
const parts = isWhole ? 1 : 4;
const concurrency = 512;
/** Nodes by their place: the one that is killed, the one that is emptied, the one that joins. */
const [killed, emptied, joining] = [1, 2, 3];

const records = recordSequence(count);
const regionSplitBytes = Math.floor(bytesOf(records) / (leastRegions * 1.8));
const startedAt = performance.now();
let cluster: RegionCluster;
let files: readonly string[];

beforeAll(async () => {
  cluster = await RegionCluster.start({ regionSplitBytes, regionMaxBytes: Math.floor(regionSplitBytes * 1.5) });
  files = Array.from({ length: parts }, (_, part) => join(cluster.processes.directory, `records-${part + 1}.tsv`));
  await writeShuffled(records, files);
}, 5 * minute);
afterAll(() => cluster?.close());

/** What a person who watches the run wants to know. */
function tell(what: string): void {
  process.stdout.write(`[${((performance.now() - startedAt) / 1000).toFixed(1)} s] ${what}\n`);
}

async function regionsReach(least: number, load: PartedLoad): Promise<number> {
  return waitUntil(
    `${least} regions`,
    async () => {
      expect(load.hasEnded, `the load ended before there were ${least} regions`).toBe(false);
      const { length } = await cluster.regions();
      return length >= least ? length : undefined;
    },
    30 * minute,
  );
}

/**
 * Moves every replica from one store to another, while regions go on being split; answers how many were moved. A region that
 * was split off in the middle of a move may have lost the replica elsewhere: then it goes to the store that lacks one.
 */
async function moveAll(from: number, to: number): Promise<number> {
  let moved = 0;
  const stores = await cluster.upStores();
  await waitUntil(
    `store ${from} to be empty`,
    async () => {
      const left = await cluster.regions('--store', String(from));
      await Promise.all(
        left.slice(0, 4).map(async ({ id, peers }) => {
          const taken = new Set(peers.map(({ storeId }) => storeId));
          const target = taken.has(to) ? stores.find((storeId) => !taken.has(storeId)) : to;
          // With a replica on every store, the scheduler is about to remove one.
          if (target === undefined) return;
          const { code, errors } = await cluster.run('region', 'move-peer', `${id}`, `${from}`, `${target}`, '--wait');
          if (code === 0) moved += 1;
          else tell(`region ${id} is not moved yet: ${errors.trim().split('\n').at(-1)}`);
        }),
      );
      return left.length === 0;
    },
    30 * minute,
  );
  return moved;
}

test(
  `loads ${count} records while regions split, a store is killed, and another one is emptied onto a fourth`,
  async () => {
    const load = new PartedLoad(cluster, files, concurrency);
    const loadedAt = performance.now();
    const before = await regionsReach(3, load);
    await cluster.processes.kill(killed);
    load.openNext();
    const during = await regionsReach(before + 2, load);
    cluster.processes.spawn(killed);
    tell(`a store was killed at ${before} regions and started again at ${during}`);

    cluster.processes.spawn(joining);
    await Promise.all([cluster.processes.awaitReady(killed), cluster.processes.awaitReady(joining)]);
    const from = await waitUntil('the store to be emptied', () => cluster.storeOf(emptied));
    const to = await waitUntil('the fourth store to join', () => cluster.storeOf(joining));
    expect(load.hasEnded, 'the fourth store joined during the load').toBe(false);
    load.openNext();
    load.openNext();
    const moved = await moveAll(from, to);
    tell(
      `${moved} replicas were moved from store ${from} to store ${to}; the load ${load.hasEnded ? 'is done' : 'goes on'}`,
    );
    expect(moved).toBeGreaterThan(0);

    await load.done;
    const seconds = (performance.now() - loadedAt) / 1000;
    tell(`${count} records were loaded in ${seconds.toFixed(1)} s: ${Math.round(count / seconds)}/s`);

    // Regions that were split off while the last replicas moved have inherited what was there.
    await moveAll(from, to);
    const regions = await cluster.regions();
    tell(`${regions.length} regions of about ${regionSplitBytes} bytes`);
    expect(regions.length).toBeGreaterThanOrEqual(leastRegions);
    for (const { id, peers } of regions) {
      const roles = peers.map(({ role }) => role);
      expect({ id, roles, isEmptied: !peers.some(({ storeId }) => storeId === from) }).toEqual({
        id,
        roles: ['voter', 'voter', 'voter'],
        isEmptied: true,
      });
    }
  },
  60 * minute,
);

test(
  'a full scan is what was loaded, and all replicas are equal',
  async () => {
    const { code, output, errors } = await cluster.run('scan', '--timeout-ms', '60000');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(firstDifference(records, output)).toBeUndefined();
    tell(`a scan of ${output.length} bytes is what was loaded`);
    const { summary, regions } = await cluster.hashes();
    tell(`replicas: ${JSON.stringify(summary)}`);
    expect(summary).toEqual({ regions: summary.regions, equal: summary.regions, different: 0, unknown: 0 });
    expect(summary.regions).toBeGreaterThanOrEqual(leastRegions);
    for (const { replicas } of regions) expect(replicas).toHaveLength(3);
  },
  20 * minute,
);
