import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';
import { checkpointPast } from '../src/load-checkpoint.ts';
import { toNdjson, toScanOutput, wordRecords } from '../src/word-records.ts';

const recordCount = 120_000;
/** Shares of the records after which the leader is killed. */
const killsAt = [0.1, 0.3, 0.5];
/** Few records at once, so that the load lasts much longer than a node takes to be killed, missed and started again. */
const concurrency = 16;
const minute = 60_000;

const records = wordRecords(recordCount);
const expected = toScanOutput(records);
let cluster: CommandCluster;
let file: string;
/** Every node, by its place. */
const nodes = [0, 1, 2];

beforeAll(async () => {
  cluster = await CommandCluster.start();
  file = join(cluster.directory, 'words.ndjson');
  await writeFile(file, toNdjson(records));
}, 2 * minute);
afterAll(() => cluster?.close());

/** A whole scan through the command line, compared without printing megabytes when it differs. */
async function expectEverything(): Promise<void> {
  const { code, output, errors } = await cluster.run(['scan']);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  const lines = output.toString().split('\n');
  const wanted = expected.split('\n');
  expect(lines.length).toBe(wanted.length);
  expect(lines.findIndex((line, position) => line !== wanted[position])).toBe(-1);
}

test(
  `loads ${recordCount} records while the leader is killed three times, and loses none`,
  async () => {
    const load = cluster.spawn(['load', file, '--concurrency', String(concurrency)]);
    for (const share of killsAt) {
      await checkpointPast(load, file, share * recordCount);
      const leader = await cluster.processes.findLeader();
      await cluster.processes.kill(leader);
      expect(load.hasEnded, 'the leader was killed during the load').toBe(false);
      cluster.processes.spawn(leader);
      await cluster.processes.awaitReady(leader);
    }
    const { code, errors } = await load.ended;
    expect(errors).toContain('loaded 120,000 records in ');
    expect(code).toBe(0);
    await expectEverything();
  },
  10 * minute,
);

test(
  'brings everything back after all nodes were killed',
  async () => {
    await Promise.all(nodes.map((node) => cluster.processes.kill(node)));
    for (const node of nodes) cluster.processes.spawn(node);
    await Promise.all(nodes.map((node) => cluster.processes.awaitReady(node)));
    await expectEverything();
  },
  3 * minute,
);

test(
  'every replica holds it: each of them serves when only it and one other run',
  async () => {
    for (const down of nodes) {
      await cluster.processes.kill(down);
      await cluster.processes.findLeader();
      await expectEverything();
      cluster.processes.spawn(down);
      await cluster.processes.awaitReady(down);
    }
  },
  5 * minute,
);
