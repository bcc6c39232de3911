import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allRegionRaftRange, openClassicLevelEngine, parseRegionKey } from '@flotilla/engine';
import { findFreePorts, HopelessError, type ProcessEnd, ProcessUnderTest, waitUntil } from '@flotilla/test-harness';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programs } from '../src/programs.ts';

let directory: string;
let started: ProcessUnderTest[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-e2e-'));
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((child) => child.stop('SIGKILL')));
  await rm(directory, { recursive: true, force: true });
});

/** Ports for one node with its scheduler inside. */
interface NodePorts {
  readonly listen: string;
  readonly http: string;
  readonly scheduler: string;
}

async function freePorts(): Promise<NodePorts> {
  const [listen, http, scheduler] = (await findFreePorts(3)).map((port) => `127.0.0.1:${port}`);
  return { listen: listen!, http: http!, scheduler: scheduler! };
}

function spawnNode(dataDir: string, ports: NodePorts, ...options: readonly string[]): ProcessUnderTest {
  const child = new ProcessUnderTest('flotilla-node', [
    programs.node,
    ...['--data-dir', dataDir, '--listen', ports.listen, '--http', ports.http],
    ...(options.includes('--scheduler') ? [] : ['--scheduler-listen', ports.scheduler]),
    ...['--log-format', 'json', ...options],
  ]);
  started.push(child);
  return child;
}

async function ready(child: ProcessUnderTest, { http }: NodePorts): Promise<void> {
  await waitUntil('the node', async () => {
    if (child.hasEnded) throw new HopelessError(`the node has ended:\n${child.output}${child.errors}`);
    const response = await fetch(`http://${http}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  });
}

/** The last line of the log: why the node stopped. */
function refusalOf({ output }: ProcessEnd): { readonly msg: string; readonly level: number } {
  return JSON.parse(output.toString().trimEnd().split('\n').at(-1) ?? '{}');
}

function flotilla(ports: NodePorts, ...args: readonly string[]): Promise<ProcessEnd> {
  return new ProcessUnderTest('flotilla', [programs.flotilla, '--scheduler', ports.scheduler, ...args]).ended;
}

test('a node stops cleanly and finds its data when it is started again', async () => {
  const ports = await freePorts();
  const dataDir = join(directory, 'data');
  const first = spawnNode(dataDir, ports);
  await ready(first, ports);
  expect((await flotilla(ports, 'put', 'hello', 'world')).code).toBe(0);
  const end = await first.stop('SIGINT');
  expect(end).toMatchObject({ code: 0, errors: '' });
  expect(refusalOf(end).msg).toBe('stopped');
  const second = spawnNode(dataDir, ports);
  await ready(second, ports);
  expect((await flotilla(ports, 'get', 'hello')).output.toString()).toBe('world');
  expect(await second.stop('SIGTERM')).toMatchObject({ code: 0, errors: '' });
});

test('refuses a directory that is in use', async () => {
  const dataDir = join(directory, 'data');
  const ports = await freePorts();
  const first = spawnNode(dataDir, ports);
  await ready(first, ports);
  const end = await spawnNode(dataDir, await freePorts()).ended;
  expect(end.code).toBe(75);
  expect(refusalOf(end).msg).toMatch(new RegExp(`${dataDir} is in use by another process`));
  expect((await flotilla(ports, 'put', 'still', 'there')).code).toBe(0);
});

test.each(['listen', 'http', 'scheduler'] as const)('refuses to start when the %s port is in use', async (which) => {
  const ports = await freePorts();
  const server = createServer();
  const [host, port] = ports[which].split(':');
  await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
  try {
    const end = await spawnNode(join(directory, 'data'), ports).ended;
    expect(end.code).toBe(72);
    expect(refusalOf(end).msg).toContain(`cannot listen on ${ports[which]}: the address is in use`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('refuses the directory of another cluster', async () => {
  const [mine, other] = [await freePorts(), await freePorts()];
  const first = spawnNode(join(directory, 'mine'), mine);
  const second = spawnNode(join(directory, 'other'), other);
  await Promise.all([ready(first, mine), ready(second, other)]);
  await first.stop();
  const end = await spawnNode(join(directory, 'mine'), mine, '--scheduler', other.scheduler).ended;
  expect(end.code).toBe(76);
  expect(refusalOf(end).msg).toMatch(/mine belongs to cluster \d+, but the scheduler is that of cluster \d+/);
});

test('waits for its scheduler, alive but not ready, and can be stopped meanwhile', async () => {
  const ports = await freePorts();
  const node = spawnNode(join(directory, 'data'), ports, '--scheduler', ports.scheduler);
  const answer = async (path: string): Promise<number> => (await fetch(`http://${ports.http}${path}`)).status;
  await waitUntil('the node to live', async () => (await answer('/livez')) === 200);
  expect(await answer('/readyz')).toBe(503);
  expect(await node.stop('SIGTERM')).toMatchObject({ code: 0, errors: '' });
});

test('refuses a directory of another version, and one that it cannot write to', async () => {
  const dataDir = join(directory, 'data');
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'FLOTILLA'), '{"format":1}\n');
  const version = await spawnNode(dataDir, await freePorts()).ended;
  expect(version.code).toBe(78);
  expect(refusalOf(version).msg).toContain('is of format 1; this version reads format 2');

  const file = join(directory, 'file');
  await writeFile(file, '');
  const path = await spawnNode(join(file, 'data'), await freePorts()).ended;
  expect(path.code).toBe(73);
  expect(refusalOf(path).msg).toContain(`cannot write to the data directory ${join(file, 'data')}`);
});

test('names every invalid option at once', async () => {
  const end = await spawnNode(directory, await freePorts(), '--tick-interval-ms', 'soon', '--log-level', 'loud').ended;
  expect(end.code).toBe(64);
  expect(end.errors).toContain('--tick-interval-ms is "soon": expected a number\n');
  expect(end.errors).toContain('--log-level is "loud": expected one of trace, debug, info, warn, error, fatal\n');
});

describe('a damaged raft log', () => {
  const value = 'a value that is easy to find in a file';
  let dataDir: string;
  let ports: NodePorts;

  beforeEach(async () => {
    dataDir = join(directory, 'data');
    ports = await freePorts();
    const node = spawnNode(dataDir, ports);
    await ready(node, ports);
    expect((await flotilla(ports, 'put', 'key', value)).code).toBe(0);
    await node.stop('SIGKILL');
  });

  test('is refused, with the place of the record', async () => {
    const index = await damageRecord(join(dataDir, 'raft'), value);
    const end = await spawnNode(dataDir, ports).ended;
    expect(end.code).toBe(65);
    expect(refusalOf(end).msg).toMatch(
      new RegExp(`corrupted record: log entry ${index} of region \\d+ in ${join(dataDir, 'raft')}: expected`),
    );
  });

  test('is refused when the database itself hides the damage by dropping the record', async () => {
    await cp(dataDir, join(directory, 'intact'), { recursive: true });
    await flipBitInFiles(join(dataDir, 'raft'), value);
    const end = await spawnNode(dataDir, ports).ended;
    expect(end.code).toBe(65);
    expect(refusalOf(end).msg).toMatch(/region \d+: applied \d+, .* do not fit a log that ends at \d+/);

    const intact = spawnNode(join(directory, 'intact'), ports);
    await ready(intact, ports);
    expect((await flotilla(ports, 'get', 'key')).output.toString()).toBe(value);
  });
});

/** Flips one bit of the log entry that holds `value`, through the database, which therefore sees nothing wrong. */
async function damageRecord(path: string, value: string): Promise<number> {
  const engine = await openClassicLevelEngine({ path, createIfMissing: false });
  try {
    for await (const pairs of engine.iterate(allRegionRaftRange)) {
      for (const { key, value: record } of pairs) {
        const parsed = parseRegionKey(key);
        const at = Buffer.from(record).indexOf(value);
        if (parsed?.type !== 'logEntry' || at === -1) continue;
        const damaged = Uint8Array.from(record);
        damaged[at] = damaged[at]! ^ 1;
        const batch = engine.batch();
        batch.put(key, damaged);
        await engine.write(batch, { sync: true });
        return parsed.index;
      }
    }
  } finally {
    await engine.close();
  }
  throw new Error('the record is not in the raft database');
}

/** Flips one bit of `value` wherever the database's files hold it. */
async function flipBitInFiles(path: string, value: string): Promise<void> {
  let found = 0;
  for (const name of await readdir(path)) {
    const bytes = await readFile(join(path, name));
    const before = found;
    for (let at = bytes.indexOf(value); at !== -1; at = bytes.indexOf(value, at + 1)) {
      bytes[at] = bytes[at]! ^ 1;
      found += 1;
    }
    if (found > before) await writeFile(join(path, name), bytes);
  }
  if (found === 0) throw new Error('the record is not in the raft database');
}
