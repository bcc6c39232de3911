import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '@flotilla/test-harness';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';

const minute = 60_000;
let cluster: CommandCluster;

beforeAll(async () => {
  cluster = await CommandCluster.start();
}, 2 * minute);
afterAll(() => cluster?.close());

const file = (name: string): string => join(cluster.directory, name);
const text = async (name: string): Promise<string> => (await readFile(file(name), 'utf8')).trim();

/** Runs one command line to its end; its output must be text. */
async function flotilla(...args: readonly string[]) {
  const { code, output, errors } = await cluster.run(args);
  return { code, output: output.toString(), errors };
}

const json = (output: string): Record<string, unknown>[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Takes a lock and runs a command of the shell; `$D` is the test's directory. */
const lock = (name: string, script: string, ...options: readonly string[]) =>
  cluster.spawn(['lock', name, ...options, '--', 'sh', '-c', `D='${cluster.directory}'\n${script}`]);

test('one command at a time runs under a lock, each with a higher token than the one before', async () => {
  const first = lock('job', 'echo $FLOTILLA_FENCING_TOKEN > $D/first; until [ -e $D/go ]; do sleep 0.02; done; exit 7');
  await waitUntil('the first command to run', () => existsSync(file('first')));
  const second = lock('job', 'echo $FLOTILLA_FENCING_TOKEN > $D/second');
  expect(await flotilla('lock', 'job', '--wait-ms', '0', '--', 'true')).toMatchObject({ code: 73 });
  expect(existsSync(file('second'))).toBe(false);
  await writeFile(file('go'), '');
  expect(await first.ended).toMatchObject({ code: 7 });
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(Number(await text('second'))).toBeGreaterThan(Number(await text('first')));
});

test('SIGTERM goes to the command, and the lock is free afterwards', async () => {
  const held = lock(
    'signals',
    'echo up > $D/up; trap "echo asked > $D/asked; exit 3" TERM; while :; do sleep 0.02; done',
  );
  await waitUntil('the command to run', () => existsSync(file('up')));
  expect(await held.stop('SIGTERM')).toMatchObject({ code: 3 });
  expect(await text('asked')).toBe('asked');
  expect(await flotilla('lock', 'signals', '--wait-ms', '0', '--', 'true')).toMatchObject({ code: 0 });
});

test('a holder that is killed hard is followed by the next in line once its lease is over', async () => {
  const held = lock('killed', 'echo $$ > $D/orphan; exec sleep 1000', '--ttl-ms', '3000');
  await waitUntil('the command to run', () => existsSync(file('orphan')));
  const next = lock('killed', 'echo next > $D/next', '--wait-ms', '60000');
  held.signal('SIGKILL');
  // What the holder ran goes on alone; the README says so.
  process.kill(Number(await text('orphan')), 'SIGKILL');
  await held.ended;
  expect(await next.ended).toMatchObject({ code: 0 });
});

test(
  'locks, offices and registrations outlive each node in turn, whichever leads',
  async () => {
    const held = lock(
      'outlives',
      'echo up > $D/outlives; until [ -e $D/end ]; do sleep 0.02; done',
      '--ttl-ms',
      '10000',
    );
    const office = cluster.spawn(['elect', 'boss', 'me', '--ttl-ms', '10000']);
    const registered = cluster.spawn(['service', 'register', 'web', 'w1', '127.0.0.1:80', '--metadata', 'zone=b']);
    const watch = cluster.spawn(['config', 'watch', 'app/', '--prefix', '--json']);
    await waitUntil('the lock to be held', () => existsSync(file('outlives')));
    await office.heard(/me\t/);
    await registered.heard(/registered/);
    await waitUntil('the watch to stand', async () => {
      await flotilla('config', 'set', 'app/first', '1');
      return watch.output.includes('app/first');
    });
    // One of them leads the region that holds all of this.
    for (const node of [0, 1, 2]) {
      await cluster.processes.kill(node);
      expect(await flotilla('config', 'set', 'app/second', String(node), '--timeout-ms', '60000')).toMatchObject({
        code: 0,
      });
      cluster.processes.spawn(node);
      await cluster.processes.awaitReady(node);
      await cluster.processes.awaitReplicas();
    }
    await watch.heard(/"app\/second".*"newValue":"2"/);
    expect(await flotilla('lock', 'outlives', '--wait-ms', '0', '--', 'true')).toMatchObject({ code: 73 });
    const [list] = json((await flotilla('service', 'list', 'web', '--json')).output);
    expect(list).toMatchObject({ instances: [{ instanceId: 'w1', metadata: { zone: 'b' } }] });
    expect([held.hasEnded, office.hasEnded, registered.hasEnded]).toEqual([false, false, false]);
    await writeFile(file('end'), '');
    expect(await held.ended).toMatchObject({ code: 0 });
    for (const holder of [office, registered, watch]) expect(await holder.stop('SIGINT')).toMatchObject({ code: 130 });
    const seconds = json(watch.output).filter(({ key }) => key === 'app/second');
    expect(seconds.map(({ newValue }) => newValue)).toEqual(['0', '1', '2']);
    expect(await flotilla('service', 'list', 'web')).toMatchObject({ code: 1 });
  },
  5 * minute,
);

test('configuration keeps its versions and refuses to overwrite another one', async () => {
  const one = (
    await flotilla('config', 'set', 'limits', '{"max":1}', '--author', 'ada', '--if-version', '0')
  ).output.trim();
  const two = (await flotilla('config', 'set', 'limits', '{"max":2}', '--if-version', one)).output.trim();
  expect(await flotilla('config', 'set', 'limits', '{"max":3}', '--if-version', one)).toMatchObject({ code: 73 });
  expect(await flotilla('config', 'rollback', 'limits', one)).toMatchObject({ code: 0 });
  expect(await flotilla('config', 'get', 'limits')).toMatchObject({ code: 0, output: '{"max":1}' });
  const history = json((await flotilla('config', 'history', 'limits', '--json')).output);
  expect(history.map(({ version, value }) => [version, value]).slice(0, 2)).toEqual([
    [one, '{"max":1}'],
    [two, '{"max":2}'],
  ]);
});

test('an election has one leader, and the next in line leads when it resigns', async () => {
  const first = cluster.spawn(['elect', 'chair', 'first']);
  await first.heard(/first\t/);
  const second = cluster.spawn(['elect', 'chair', 'second']);
  const listener = cluster.spawn(['elect', 'chair', '--listen']);
  await listener.heard(/first\t/);
  expect(second.output).toBe('');
  expect(await first.stop('SIGINT')).toMatchObject({ code: 130 });
  await second.heard(/second\t/);
  await listener.heard(/second\t/);
  await Promise.all([second.stop('SIGINT'), listener.stop('SIGINT')]);
});

test('a cluster that is not there is told as such', async () => {
  const { code, errors } = await flotilla('config', 'get', 'a', '--scheduler', '127.0.0.1:1', '--timeout-ms', '500');
  expect(code).toBe(69);
  expect(errors).toContain('127.0.0.1:1');
});
