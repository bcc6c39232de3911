import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCheckpoint } from '../../src/load/checkpoint.ts';
import { CommandBench } from '../run-command.ts';

let bench: CommandBench;
let directory: string;
let file: string;
beforeEach(async () => {
  bench = new CommandBench();
  directory = await mkdtemp(join(tmpdir(), 'flotilla-load-'));
  file = join(directory, 'records.ndjson');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function records(count: number, from = 1): string {
  return Array.from({ length: count }, (_, index) => `{"key":"k${from + index}","value":"v${from + index}"}\n`).join(
    '',
  );
}

function keysWritten(): string[] {
  return bench.cluster.history.map(([key]) => key);
}

test('loads NDJSON and leaves no checkpoint', async () => {
  await writeFile(file, records(1_000));
  expect(await bench.run('load', file)).toBe(0);
  expect(bench.cluster.pairs.size).toBe(1_000);
  expect(bench.cluster.pairs.get('k777')).toBe('v777');
  expect(bench.terminal.errors).toMatch(/^loaded 1,000 records in /);
  expect(bench.terminal.output).toBe('');
  expect(await readdir(directory)).toEqual(['records.ndjson']);
});

test('loads TSV from standard input, told by its first line', async () => {
  bench.terminal.type('\na\t1\nb', '\t2\n');
  expect(await bench.run('load', '-')).toBe(0);
  expect(bench.cluster.pairs).toEqual(
    new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  );
});

test('loads NDJSON from standard input, told by its first line', async () => {
  bench.terminal.type('\n', records(3));
  expect(await bench.run('load', '-', '--json')).toBe(0);
  expect(bench.cluster.pairs.size).toBe(3);
  expect(JSON.parse(bench.terminal.output)).toMatchObject({ end: 'complete', records: 3, skipped: 0, lines: 4 });
});

test('reads back what scan prints, byte for byte', async () => {
  for (const key of ['a\tb', '\\', '\xff\n', 'é']) bench.cluster.pairs.set(key, `\r${key}`);
  const before = new Map(bench.cluster.pairs);
  for (const flags of [[], ['--json'], ['--hex'], ['--base64']]) {
    bench.clear();
    await bench.run('scan', ...flags);
    const printed = Buffer.concat(bench.terminal.chunks);
    bench.cluster.pairs.clear();
    bench.clear();
    bench.terminal.type(printed);
    expect(await bench.run('load', '-', ...flags.filter((flag) => flag !== '--json'))).toBe(0);
    expect(bench.cluster.pairs).toEqual(before);
  }
});

test('stops at a malformed line, names it, and goes on from there once it is mended', async () => {
  await writeFile(file, `${records(50)}{"key":"bad"\n${records(50, 51)}`);
  expect(await bench.run('load', file)).toBe(65);
  expect(bench.terminal.errors).toContain(`error: ${file}, line 51: not valid JSON\n`);
  expect(bench.terminal.errors).toContain(
    'everything up to line 50 is loaded; run the same command again to go on from there once the line is mended',
  );
  expect(bench.cluster.pairs.size).toBe(50);
  expect(await readCheckpoint(file)).toMatchObject({ line: 50, records: 50, clusterId: 7 });

  await writeFile(file, `${records(50)}{"key":"bad","value":"mended"}\n${records(50, 51)}`);
  bench.clear();
  bench.cluster.history.length = 0;
  expect(await bench.run('load', file)).toBe(0);
  expect(bench.terminal.errors).toContain('resuming behind line 50');
  expect(keysWritten()).toEqual(['bad', ...Array.from({ length: 50 }, (_, index) => `k${index + 51}`)]);
  expect(await readdir(directory)).toEqual(['records.ndjson']);
});

test('goes on past malformed and oversized lines with --skip-bad, names the first and counts all', async () => {
  const bad = Array.from({ length: 30 }, () => 'bad\n').join('');
  const large = JSON.stringify({ key: 'k'.repeat(17), value: '' });
  const larger = JSON.stringify({ key: 'k', value: 'v'.repeat(33) });
  const largest = JSON.stringify({ key: 'k', value: 'v'.repeat(100_000) });
  await writeFile(file, `${large}\n${larger}\n${largest}\n${records(3)}${bad}${records(3, 4)}`);
  expect(await bench.run('load', file, '--skip-bad')).toBe(0);
  expect(bench.cluster.pairs.size).toBe(6);
  expect(bench.terminal.errors).toContain('line 1 skipped: key has 17 bytes; the limit is 16\n');
  expect(bench.terminal.errors).toContain('line 2 skipped: value has 33 bytes; the limit is 32\n');
  expect(bench.terminal.errors).toMatch(/line 3 skipped: the line is longer than \d+ bytes\n/);
  expect(bench.terminal.errors).toContain('line 7 skipped: not valid JSON\n');
  expect(bench.terminal.errors).toContain('13 more lines skipped\n');
  expect(bench.terminal.errors).toContain(', 33 lines skipped\n');
});

test('stops when interrupted, and the same command goes on behind what is acknowledged', async () => {
  await writeFile(file, records(100));
  bench.cluster.onPut = (key) => {
    if (key === 'k60') bench.interrupt.abort();
  };
  expect(await bench.run('load', file, '--concurrency', '1')).toBe(130);
  expect(bench.terminal.errors).toMatch(/stopped: everything up to line 6\d is loaded; run the same command again/);
  const done = bench.cluster.pairs.size;

  const again = new CommandBench();
  again.cluster.pairs.clear();
  expect(await again.run('load', file)).toBe(0);
  expect(again.cluster.pairs.size).toBe(100 - done);
  expect(again.terminal.errors).toContain(`loaded ${100 - done} records`);
});

test('starts over when what was loaded has changed, when the cluster is another, and when told to', async () => {
  const stopAt60 = async (): Promise<void> => {
    const first = new CommandBench();
    first.cluster.onPut = (key) => {
      if (key === 'k60') first.interrupt.abort();
    };
    await writeFile(file, records(100));
    await first.run('load', file, '--concurrency', '1');
  };
  await stopAt60();
  await writeFile(file, records(100).replace('v1"', 'x1"'));
  expect(await bench.run('load', file)).toBe(0);
  expect(bench.terminal.errors).toMatch(/starting over: the first 6\d lines of .* have changed since they were loaded/);
  expect(bench.cluster.pairs.size).toBe(100);

  await stopAt60();
  const elsewhere = new CommandBench();
  Object.assign(elsewhere.cluster, { clusterId: 8 });
  expect(await elsewhere.run('load', file)).toBe(0);
  expect(elsewhere.terminal.errors).toContain('went into cluster 7, this is 8');
  expect(elsewhere.cluster.pairs.size).toBe(100);

  await stopAt60();
  const restarted = new CommandBench();
  expect(await restarted.run('load', file, '--restart')).toBe(0);
  expect(restarted.cluster.pairs.size).toBe(100);
});

test('goes on with a file that has grown', async () => {
  await writeFile(file, records(10));
  bench.cluster.onPut = (key) => {
    // Not the last record: a load that has read its whole input when it is interrupted still completes.
    if (key === 'k9') bench.interrupt.abort();
  };
  expect(await bench.run('load', file, '--concurrency', '1')).toBe(130);
  await writeFile(file, records(20));
  const again = new CommandBench();
  expect(await again.run('load', file)).toBe(0);
  expect(again.cluster.pairs.size).toBeGreaterThanOrEqual(10);
  expect(again.cluster.pairs.has('k20')).toBe(true);
});

test('a record that the cluster refuses counts as a bad line', async () => {
  await writeFile(file, records(5));
  bench.cluster.onPut = (key) => {
    if (key === 'k3') throw Object.assign(new Error('key k is reserved'), { code: 'invalidArgument' });
  };
  expect(await bench.run('load', file, '--concurrency', '1')).toBe(65);
  expect(bench.terminal.errors).toContain('line 3: key k is reserved');
  expect(bench.cluster.pairs.has('k2')).toBe(true);
});

test('says why a file cannot be read', async () => {
  expect(await bench.run('load', join(directory, 'absent'))).toBe(64);
  expect(bench.terminal.errors).toMatch(/^cannot read .*absent: ENOENT/);
  bench.clear();
  expect(await bench.run('load', directory)).toBe(64);
  expect(bench.terminal.errors).toContain('it is a directory');
});
