import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';

let cluster: CommandCluster;
beforeAll(async () => {
  cluster = await CommandCluster.start(1);
}, 120_000);
afterAll(() => cluster?.close());

let number = 0;
let prefix: string;
/** Each test has keys of its own. */
beforeEach(() => {
  number += 1;
  prefix = `t${number}-`;
});

async function keysOf(): Promise<string[]> {
  const { code, output } = await cluster.run(['scan', '--prefix', prefix, '--keys-only']);
  expect(code).toBe(0);
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

test('puts, gets, deletes and scans bytes of any kind', async () => {
  const value = Buffer.from([0, 0xff, 0x0a, 0x09]);
  expect((await cluster.run(['put', `${prefix}a`, '-'], value)).code).toBe(0);
  expect((await cluster.run(['get', `${prefix}a`])).output).toEqual(value);
  expect((await cluster.run(['put', `${prefix}empty`, ''])).code).toBe(0);
  expect(await cluster.run(['get', `${prefix}empty`])).toMatchObject({ code: 0, output: Buffer.alloc(0) });
  expect(await keysOf()).toEqual([`${prefix}a`, `${prefix}empty`]);
  expect((await cluster.run(['delete', `${prefix}a`])).code).toBe(0);
  expect(await cluster.run(['get', `${prefix}a`])).toMatchObject({ code: 1, output: Buffer.alloc(0), errors: '' });
});

test('refuses an oversized key and an oversized value, and writes nothing', async () => {
  const key = await cluster.run(['put', prefix.padEnd(8_193, 'k'), 'v']);
  expect(key.errors).toBe('error: key has 8193 bytes; the limit is 8192\n');
  expect(key.code).toBe(65);
  const value = await cluster.run(['put', `${prefix}v`, '-'], Buffer.alloc(6 * 1024 * 1024 + 1));
  expect(value.errors).toBe('error: value has more than 6291456 bytes, the limit\n');
  expect(value.code).toBe(65);
  expect(await keysOf()).toEqual([]);
  const largest = await cluster.run(['put', prefix.padEnd(8_192, 'k'), '-'], Buffer.alloc(6 * 1024 * 1024, 1));
  expect(largest).toMatchObject({ code: 0, errors: '' });
  expect((await cluster.run(['get', prefix.padEnd(8_192, 'k')])).output.length).toBe(6 * 1024 * 1024);
});

test('stops at malformed NDJSON, names the line, and goes on once it is mended', async () => {
  const file = join(cluster.directory, `${prefix}.ndjson`);
  const line = (name: string): string => JSON.stringify({ key: prefix + name, value: name });
  await writeFile(file, `${line('a')}\n${line('b')}\n{"key": oops}\n${line('d')}\n`);
  const stopped = await cluster.run(['load', file]);
  expect(stopped.code).toBe(65);
  expect(stopped.errors).toContain(`error: ${file}, line 3: not valid JSON\n`);
  expect(await keysOf()).toEqual([`${prefix}a`, `${prefix}b`]);
  await writeFile(file, `${line('a')}\n${line('b')}\n${line('c')}\n${line('d')}\n`);
  const mended = await cluster.run(['load', file]);
  expect(mended.errors).toContain('resuming behind line 2');
  expect(mended.code).toBe(0);
  expect(await keysOf()).toEqual(['a', 'b', 'c', 'd'].map((name) => prefix + name));
});

test('goes on past malformed lines with --skip-bad', async () => {
  const lines = [`${prefix}a\t1`, 'no tab', `${'k'.repeat(9_000)}\t1`, `${prefix}b\t2`, ''].join('\n');
  const { code, errors } = await cluster.run(['load', '-', '--skip-bad'], lines);
  expect(errors).toContain('line 2 skipped: expected two columns separated by a tab, got one\n');
  expect(errors).toContain('line 3 skipped: key has 9000 bytes; the limit is 8192\n');
  expect(errors).toContain('loaded 2 records');
  expect(errors).toContain('2 lines skipped');
  expect(code).toBe(0);
  expect(await keysOf()).toEqual([`${prefix}a`, `${prefix}b`]);
});

test('suggests a command for one that there is not', async () => {
  const { code, errors, output } = await cluster.run(['gte', 'a']);
  expect(errors).toContain("unknown command 'gte'");
  expect(errors).toContain('Did you mean get?');
  expect(output.length).toBe(0);
  expect(code).toBe(64);
});

test('says that the cluster is not there, within the timeout', async () => {
  const { code, errors } = await cluster.run(['--scheduler', '127.0.0.1:1', '--timeout-ms', '500', 'get', 'a']);
  expect(errors).toMatch(/^error: /);
  expect(errors).toContain('127.0.0.1:1');
  expect(code).toBe(69);
});

test('ends quietly when whoever reads the output has had enough', async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, index) => `${prefix}${String(index).padStart(6, '0')}\t${'v'.repeat(1_000)}\n`,
  );
  expect((await cluster.run(['load', '-'], lines.join(''))).code).toBe(0);
  const scan = cluster.spawn(['scan', '--prefix', prefix]);
  await scan.heard(/000000/);
  scan.closeOutput();
  const { code, errors } = await scan.ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
}, 60_000);
