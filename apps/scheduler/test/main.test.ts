import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openClassicLevelEngine } from '@flotilla/engine';
import { metapb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { GrpcSchedulerClient } from '@flotilla/scheduler-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startProcess, startScheduler, temporaryDirectory } from './scheduler-process.ts';

const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
const store = metapb.Store.create({ id: 1, address: '127.0.0.1:20001' });
const region = metapb.Region.create({
  id: 2,
  regionEpoch: { version: 1, confVer: 1 },
  peers: [metapb.Peer.create({ id: 3, storeId: 1 })],
});

async function connect(endpoint: string): Promise<GrpcSchedulerClient> {
  const client = await GrpcSchedulerClient.connect({ endpoints: [endpoint], runtime });
  onTestFinished(() => client.close());
  return client;
}

describe('a scheduler process', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('keeps what it acknowledged over %s', async (signal) => {
    const dataDir = await temporaryDirectory();
    const first = startScheduler(dataDir);
    const client = await connect((await first.serving).listen);
    const ids = [await client.allocId(), await client.allocId()];
    expect(await client.bootstrap(store, region)).toBe('bootstrapped');
    await client.putStore(metapb.Store.create({ id: 9, address: '127.0.0.1:20009' }));
    first.child.kill(signal);
    expect((await first.ended).code).toBe(signal === 'SIGKILL' ? null : 0);

    const again = await connect((await startScheduler(dataDir).serving).listen);
    expect(again.clusterId).toBe(client.clusterId);
    expect(await again.bootstrap(store, region)).toBe('alreadyBootstrapped');
    expect((await again.getAllStores()).map(({ id }) => id)).toEqual([1, 9]);
    expect((await again.getRegion(new Uint8Array([7])))?.region.id).toBe(2);
    expect(ids).not.toContain(await again.allocId());
  });

  test('shows its health, metrics and status', async () => {
    const { http } = await startScheduler(await temporaryDirectory()).serving;
    expect(await (await fetch(`http://${http}/livez`)).text()).toBe('ok\n');
    expect(await (await fetch(`http://${http}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
    expect(await (await fetch(`http://${http}/metrics`)).text()).toMatch(/^flotilla_scheduler_healthy 1$/m);
    expect(await (await fetch(`http://${http}/status`)).json()).toMatchObject({ isBootstrapped: false, storeCount: 0 });
  });
});

describe('refusals, each with its exit code and what to do', () => {
  test('a directory in use', async () => {
    const dataDir = await temporaryDirectory();
    await startScheduler(dataDir).serving;
    const { code, stderr } = await startScheduler(dataDir).ended;
    expect(code).toBe(75);
    expect(stderr).toContain(`cannot use the data directory ${dataDir}: another process uses it`);
  });

  test.each(['--listen', '--http'])('a port in use: %s', async (flag) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const taken = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const { code, stderr } = await startScheduler(await temporaryDirectory(), flag, taken).ended;
    expect(code).toBe(72);
    expect(stderr).toContain(`${taken}: the address is in use; stop what listens there`);
  });

  test('a path that cannot be written to', async () => {
    const file = join(await temporaryDirectory(), 'file');
    await writeFile(file, '');
    const { code, stderr } = await startScheduler(join(file, 'data')).ended;
    expect(code).toBe(73);
    expect(stderr).toContain('cannot write to the data directory');
  });

  test('data of another version', async () => {
    const dataDir = await temporaryDirectory();
    const engine = await openClassicLevelEngine({ path: dataDir });
    const batch = engine.batch();
    batch.put(Buffer.from('v'), Buffer.from([0, 0, 0, 0, 0, 0, 0, 9]));
    await engine.write(batch, { sync: true });
    await engine.close();
    const { code, stderr } = await startScheduler(dataDir).ended;
    expect(code).toBe(78);
    expect(stderr).toContain('layout version 9');
  });

  test("a storage node's directory", async () => {
    const dataDir = await temporaryDirectory();
    await mkdir(join(dataDir, 'kv'));
    await writeFile(join(dataDir, 'FLOTILLA'), '{"format":1}');
    const { code, stderr } = await startScheduler(dataDir).ended;
    expect(code).toBe(65);
    expect(stderr).toContain("a storage node's directory");
  });
});

describe('options', () => {
  test('flags win over the environment, the environment over the file, the file over the defaults', async () => {
    const file = join(await temporaryDirectory(), 'scheduler.json');
    await writeFile(file, JSON.stringify({ listen: '127.0.0.1:1', http: '127.0.0.1:2', maxPeerCount: 5 }));
    const env = { FLOTILLA_SCHEDULER_HTTP: '127.0.0.1:3', FLOTILLA_SCHEDULER_LISTEN: '127.0.0.1:4' };
    const args = ['--listen', '127.0.0.1:5', '--config', file, '--print-config'];
    const { code, stdout } = await startProcess(args, env).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      listen: '127.0.0.1:5',
      http: '127.0.0.1:3',
      maxPeerCount: 5,
      dataDir: './data/scheduler',
    });
  });

  test('every violation is told at once, with where it came from', async () => {
    const file = join(await temporaryDirectory(), 'scheduler.json');
    await writeFile(file, JSON.stringify({ maxPeerCount: 99, color: 'red' }));
    const env = { FLOTILLA_SCHEDULER_HTTP: 'nowhere', FLOTILLA_SCHEDULER_CONFIG: file };
    const { code, stderr } = await startProcess(['--log-level', 'loud'], env).ended;
    expect(code).toBe(64);
    expect(stderr.split('\n').filter((line) => line.startsWith('flotilla-scheduler: '))).toEqual([
      'flotilla-scheduler: environment variable FLOTILLA_SCHEDULER_HTTP is "nowhere": expected host:port with a port from 0 to 65535',
      `flotilla-scheduler: maxPeerCount in ${file} is 99: expected a whole number from 1 to 15`,
      'flotilla-scheduler: --log-level is "loud": expected one of trace, debug, info, warn, error, fatal',
      `flotilla-scheduler: color in ${file}: there is no such option`,
    ]);
  });

  test('an address that nobody can dial needs one to advertise', async () => {
    const wildcard = ['--listen', '0.0.0.0:7400', '--print-config'];
    const refused = await startProcess(wildcard).ended;
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining('--advertise (default): is needed') });
    const { code, stdout } = await startProcess([...wildcard, '--advertise', 'scheduler.local:7400']).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ advertise: 'scheduler.local:7400' });
  });

  test.each([
    [['--frobnicate'], "unknown option '--frobnicate'"],
    [['stray'], 'too many arguments'],
    [['--config', '/nowhere.json'], 'cannot be read'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await startProcess(args).ended;
    expect(code).toBe(64);
    expect(stderr).toContain(message);
  });

  test('help and version are answers, not failures', async () => {
    const [help, version] = await Promise.all([startProcess(['--help']).ended, startProcess(['--version']).ended]);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--data-dir <path>');
    expect(version).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });
});
