import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommandBench } from '../run-command.ts';

let bench: CommandBench;

beforeEach(() => {
  bench = new CommandBench();
});

afterEach(() => bench.close());

/** Runs one command line with a terminal of its own. */
async function run(...args: readonly string[]) {
  bench.clear();
  const code = await bench.run(...args);
  return { code, output: bench.terminal.output, errors: bench.terminal.errors };
}

/** Runs a command that goes on until Ctrl-C, which comes as soon as the output is as expected. */
async function runUntil(isEnough: (output: string) => boolean, ...args: readonly string[]) {
  bench.clear();
  const { terminal, interrupt } = bench;
  const write = terminal.write.bind(terminal);
  terminal.write = async (chunk) => {
    await write(chunk);
    if (isEnough(terminal.output)) interrupt.abort();
  };
  const ended = bench.run(...args);
  return { ended, terminal };
}

const json = (output: string): unknown[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('config set prints the version, and get the value as it is stored', async () => {
  const set = await run('config', 'set', 'app/limits', '{"max":1}', '--author', 'ada', '--comment', 'first');
  expect(set).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\n$/) });
  expect(await run('config', 'get', 'app/limits')).toMatchObject({ code: 0, output: '{"max":1}' });
  const [found] = json((await run('config', 'get', 'app/limits', '--json')).output);
  expect(found).toMatchObject({ key: 'app/limits', value: '{"max":1}', version: set.output.trim(), author: 'ada' });
});

test('config get of a key without value exits with 1', async () => {
  expect(await run('config', 'get', 'none')).toMatchObject({ code: 1, output: '' });
  expect(await run('config', 'delete', 'none')).toMatchObject({ code: 1 });
  expect(await run('config', 'history', 'none')).toMatchObject({ code: 1 });
});

test('a value comes from standard input, and has to be text', async () => {
  bench.clear();
  bench.terminal.type('{"max":', '7}\n');
  expect(await bench.run('config', 'set', 'a', '-')).toBe(0);
  expect((await run('config', 'get', 'a')).output).toBe('{"max":7}\n');
  bench.clear();
  bench.terminal.type(Uint8Array.of(0xff));
  expect(await bench.run('config', 'set', 'a', '-')).toBe(65);
});

test('config set and delete compare versions, with exit code 73', async () => {
  const version = (await run('config', 'set', 'a', '1', '--if-version', '0')).output.trim();
  const refused = await run('config', 'set', 'a', '2', '--if-version', '0');
  expect(refused).toMatchObject({ code: 73, errors: expect.stringContaining(`version ${version} is there`) });
  expect(await run('config', 'delete', 'a', '--if-version', '1')).toMatchObject({ code: 73 });
  expect(await run('config', 'delete', 'a', '--if-version', version)).toMatchObject({ code: 0 });
});

test('config history, diff and rollback show and bring back earlier versions', async () => {
  const one = (await run('config', 'set', 'a', '{"max":1}', '--comment', 'begin')).output.trim();
  const two = (await run('config', 'set', 'a', '{"max":2}')).output.trim();
  expect((await run('config', 'diff', 'a', one, two)).output).toBe('-{"max":1}\n+{"max":2}\n');
  const [diff] = json((await run('config', 'diff', 'a', one, two, '--json')).output);
  expect(diff).toMatchObject({ from: one, to: two, fields: [{ path: '/max', before: 1, after: 2 }] });
  expect(await run('config', 'rollback', 'a', one, '--author', 'ada')).toMatchObject({ code: 0 });
  expect((await run('config', 'get', 'a', '--at', two)).output).toBe('{"max":2}');
  const history = json((await run('config', 'history', 'a', '--json', '--limit', '2')).output);
  expect(history).toMatchObject([
    { version: two, type: 'update' },
    { type: 'update', value: '{"max":1}', author: 'ada', comment: `rollback to version ${one}` },
  ]);
  const table = (await run('config', 'history', 'a')).output;
  expect(table).toMatch(/│ create .* begin +│ \{"max":1\} │/);
  expect(await run('config', 'rollback', 'a', '999999')).toMatchObject({ code: 65 });
});

test('config list prints keys of a prefix as tab-separated values', async () => {
  await run('config', 'set', 'app/a', 'two\nlines');
  await run('config', 'set', 'b', '1');
  const { output } = await run('config', 'list', 'app/');
  expect(output).toMatch(/^app\/a\t\d+\ttwo\\nlines\n$/);
  expect(json((await run('config', 'list', '--json')).output)).toHaveLength(2);
});

test('config watch prints changes until Ctrl-C', async () => {
  await run('config', 'set', 'app/a', '1');
  const watching = await runUntil(
    (output) => output.includes('"delete"'),
    'config',
    'watch',
    'app/',
    '--prefix',
    '--initial',
    '--json',
  );
  await until(() => watching.terminal.output.includes('reset'));
  const center = await bench.configCenter();
  await center.set('app/a', '2');
  await center.delete('app/a');
  expect(await watching.ended).toBe(130);
  expect(json(watching.terminal.output)).toMatchObject([
    { type: 'reset', values: [{ key: 'app/a', value: '1' }] },
    { type: 'update', key: 'app/a', oldValue: '1', newValue: '2' },
    { type: 'delete', key: 'app/a', oldValue: '2' },
  ]);
});

test('lock runs a command with the fencing token and ends as it does', async () => {
  expect(
    await run('lock', 'job', '--', 'sh', '-c', 'test "$FLOTILLA_LOCK_KEY" = job && exit "$FLOTILLA_FENCING_TOKEN"'),
  ).toMatchObject({
    // A machine that is new gives the first key the second revision.
    code: 2,
  });
  expect(await run('lock', 'job', '--wait-ms', '60000', '--', 'true')).toMatchObject({ code: 0 });
  expect(await run('lock', 'job')).toMatchObject({ code: 64 });
});

test('lock does not run its command when another holds the lock', async () => {
  const held = await bench.lock('job');
  const tried = await run('lock', 'job', '--wait-ms', '0', '--', 'sh', '-c', 'exit 9');
  expect(tried).toMatchObject({ code: 73, errors: expect.stringContaining('held by another') });
  const waited = await run('lock', 'job', '--wait-ms', '20', '--', 'sh', '-c', 'exit 9');
  expect(waited).toMatchObject({ code: 73, errors: expect.stringContaining('not free within 20 ms') });
  await held.release();
});

test('lock ends its command when the lock is lost, and Ctrl-C while waiting leaves nothing behind', async () => {
  bench.clear();
  bench.onPause = () => {};
  const ended = bench.run('lock', 'job', '--ttl-ms', '1000', '--', 'sleep', '1000');
  await until(() => bench.signalTaker !== undefined);
  const backend = await bench.backend();
  for (const leaseId of await backend.leases()) await backend.revokeLease(leaseId);
  expect(await ended).toBe(76);
  expect(bench.terminal.errors).toContain('the lock was lost');
  const held = await bench.lock('job');
  bench.clear();
  const waiting = bench.run('lock', 'job', '--', 'true');
  await until(async () => (await backend.leases()).length === 2);
  bench.interrupt.abort();
  expect(await waiting).toBe(130);
  expect(await backend.leases()).toEqual([held.leaseId]);
  await held.release();
});

test('elect holds an office until Ctrl-C, and --listen tells who holds it', async () => {
  const holder = await runUntil(() => false, 'elect', 'boss', 'me');
  const { interrupt } = bench;
  await until(() => holder.terminal.output !== '');
  const listener = await runUntil((output) => output.includes('null'), 'elect', 'boss', '--listen', '--json');
  await until(() => listener.terminal.output !== '');
  interrupt.abort();
  expect(await holder.ended).toBe(130);
  expect(await listener.ended).toBe(130);
  expect(json(listener.terminal.output)).toMatchObject([{ value: 'me' }, { value: null }]);
  expect(await run('elect', 'boss')).toMatchObject({ code: 64 });
});

test('service register keeps an instance registered until Ctrl-C, and list and watch show it', async () => {
  const register = [
    'service',
    'register',
    'web',
    'w1',
    '127.0.0.1:80',
    '--metadata',
    'zone=b',
    '--metadata',
    'note=x=y',
  ];
  const registered = await runUntil(() => false, ...register);
  const { interrupt } = bench;
  await until(() => registered.terminal.output !== '');
  const [list] = json((await run('service', 'list', 'web', '--json')).output);
  expect(list).toMatchObject({
    name: 'web',
    instances: [{ instanceId: 'w1', address: '127.0.0.1:80', metadata: { zone: 'b', note: 'x=y' } }],
  });
  expect((await run('service', 'list', 'web')).output).toMatch(/│ w1 +│ 127\.0\.0\.1:80 │ healthy │/);
  const watching = await runUntil((output) => output.includes('"instances":[]'), 'service', 'watch', 'web', '--json');
  await until(() => watching.terminal.output !== '');
  interrupt.abort();
  expect(await registered.ended).toBe(130);
  expect(await watching.ended).toBe(130);
  expect(await run('service', 'list', 'web')).toMatchObject({ code: 1, output: 'web: 0 instances\n' });
});

test('arguments that cannot be are refused as wrong usage', async () => {
  for (const args of [
    ['config', 'get', 'a', '--at', 'new'],
    ['config', 'set', 'a', '1', '--if-version', '-1'],
    ['lock', 'a', '--ttl-ms', '0', '--', 'true'],
    ['service', 'register', 'web', 'w1', '127.0.0.1:80', '--metadata', 'zone'],
    ['config', 'list', '--etcd', 'one,,two'],
  ]) {
    expect(await run(...args), args.join(' ')).toMatchObject({ code: 64 });
  }
});

/** Waits for what other tasks do. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
