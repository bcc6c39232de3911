import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';
import { checkpointPast } from '../src/load-checkpoint.ts';
import { toNdjson, toScanOutput, wordRecords } from '../src/word-records.ts';

const minute = 60_000;
const records = wordRecords(20_000);
/** Few records at once, so that the load lasts for several of the checkpoints that it keeps each second. */
const slowly = ['--concurrency', '8'];

let cluster: CommandCluster;
beforeAll(async () => {
  cluster = await CommandCluster.start();
}, 2 * minute);
afterAll(() => cluster?.close());

test(
  'stores and clients that know their way go on without the scheduler, and it comes back with its cluster',
  async () => {
    const { clusterId } = await cluster.status();
    const file = join(cluster.directory, 'words.ndjson');
    await writeFile(file, toNdjson(records));
    const load = cluster.spawn(['load', file, ...slowly]);
    const before = await checkpointPast(load, file, 0);
    await cluster.processes.kill('scheduler');
    await checkpointPast(load, file, before);

    const { code, errors } = await cluster.run(['--timeout-ms', '500', 'get', 'a']);
    expect(errors).toContain(`no scheduler answers at ${cluster.schedulerAddress}`);
    expect(code).toBe(69);

    cluster.processes.spawn('scheduler');
    await cluster.processes.awaitReady('scheduler');
    expect((await load.ended).code).toBe(0);
    expect((await cluster.status()).clusterId).toBe(clusterId);
    const scan = await cluster.run(['scan']);
    expect(scan.output.toString() === toScanOutput(records)).toBe(true);
  },
  5 * minute,
);
