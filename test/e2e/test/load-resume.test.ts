import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';
import { checkpointPast } from '../src/load-checkpoint.ts';
import { toNdjson, toScanOutput, wordRecords } from '../src/word-records.ts';

const minute = 60_000;
const records = wordRecords(40_000);
/** Few records at once, so that the load lasts for several of the checkpoints that it keeps each second. */
const slowly = ['--concurrency', '8'];

let cluster: CommandCluster;
beforeAll(async () => {
  cluster = await CommandCluster.start(1);
}, 2 * minute);
afterAll(() => cluster?.close());

test(
  'a load goes on where it was when it is stopped by Ctrl-C, and where it is known to have been when it is killed',
  async () => {
    const file = join(cluster.directory, 'words.ndjson');
    await writeFile(file, toNdjson(records));

    const first = cluster.spawn(['load', file, ...slowly]);
    await checkpointPast(first, file, 0);
    const stopped = await first.stop('SIGINT');
    expect(stopped.code).toBe(130);
    const [, told] = /everything up to line ([\d,]+) is loaded; run the same command again/.exec(stopped.errors) ?? [];
    const line = Number(told?.replaceAll(',', ''));
    expect(line).toBeGreaterThan(0);
    expect(line).toBeLessThan(records.length);

    const second = cluster.spawn(['load', file, ...slowly]);
    await second.heard(new RegExp(`resuming behind line ${told}`));
    const reached = await checkpointPast(second, file, line);
    await second.stop('SIGKILL');

    const third = await cluster.run(['load', file]);
    const [, resumed] = /resuming behind line ([\d,]+)/.exec(third.errors) ?? [];
    expect(Number(resumed?.replaceAll(',', ''))).toBeGreaterThanOrEqual(reached);
    expect(third.code).toBe(0);
    const scan = await cluster.run(['scan']);
    expect(scan.output.toString() === toScanOutput(records)).toBe(true);
  },
  5 * minute,
);
