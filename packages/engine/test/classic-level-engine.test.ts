import { fork } from 'node:child_process';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type ClassicLevelOptions, openClassicLevelEngine } from '../src/classic-level-engine.ts';
import type { Engine } from '../src/engine.ts';
import { describeEngine } from './engine-contract.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

describeEngine({
  name: 'ClassicLevelEngine',
  open: async () => {
    const path = await makeTemporaryDirectory();
    const engine = await openClassicLevelEngine({ path });
    return {
      engine,
      dispose: async () => {
        await engine.close();
        await rm(path, { recursive: true, force: true });
      },
    };
  },
});

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A directory that goes when the test ends. */
async function directory(): Promise<string> {
  const path = await makeTemporaryDirectory();
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function opened(options: ClassicLevelOptions): Promise<Engine> {
  const engine = await openClassicLevelEngine(options);
  onTestFinished(() => engine.close());
  return engine;
}

async function put(engine: Engine, key: string, value: string | Uint8Array, sync = false): Promise<void> {
  const batch = engine.batch();
  batch.put(bytes(key), typeof value === 'string' ? bytes(value) : value);
  await engine.write(batch, { sync });
}

test('finds again what was written, and says where it lives', async () => {
  const path = join(await directory(), 'made', 'on', 'the', 'way');
  const first = await openClassicLevelEngine({ path });
  expect(first.path).toBe(path);
  await put(first, 'a', '1', true);
  await first.close();
  const second = await opened({ path, createIfMissing: false });
  expect(String(second.getSync(bytes('a')))).toBe('1');
});

test('close waits for writes that were handed in before it', async () => {
  const path = await directory();
  const first = await openClassicLevelEngine({ path });
  const writes = Array.from({ length: 20 }, (_, turn) => put(first, `k${turn}`, 'v', turn % 2 === 0));
  await first.close();
  await Promise.all(writes);
  const second = await opened({ path });
  expect(await second.scan({ start: bytes('k') })).toHaveLength(20);
});

test('a directory has one owner in a thread; other handles have to say that they share it', async () => {
  const path = await directory();
  const owner = await openClassicLevelEngine({ path });
  await expect(openClassicLevelEngine({ path })).rejects.toMatchObject({ code: 'engineLocked', path });
  const shared = await opened({ path, shared: true });
  await put(shared, 'a', '1');
  expect(String(owner.getSync(bytes('a')))).toBe('1');
  await owner.close();
  expect(String(shared.getSync(bytes('a')))).toBe('1');
  await opened({ path });
});

test('a directory in use by another process is locked', async () => {
  const path = await directory();
  const holder = fork(new URL('./hold-database.mjs', import.meta.url), [path], { execArgv: [] });
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  await new Promise((resolve, reject) => {
    holder.once('message', resolve);
    holder.once('exit', reject);
  });
  try {
    await expect(openClassicLevelEngine({ path })).rejects.toMatchObject({ code: 'engineLocked', path });
  } finally {
    holder.kill('SIGKILL');
    await ended;
  }
  const engine = await opened({ path, createIfMissing: false });
  expect(String(engine.getSync(bytes('held')))).toBe('yes');
});

test('a database that has to be there and is not is not found, and nothing is made', async () => {
  const path = await directory();
  for (const options of [{ createIfMissing: false }, { readOnly: true }]) {
    await expect(openClassicLevelEngine({ path, ...options })).rejects.toMatchObject({ code: 'engineNotFound', path });
  }
  expect(await readdir(path)).toEqual([]);
  await opened({ path });
});

test('opened for reading it reads and refuses every write', async () => {
  const path = await directory();
  const writer = await openClassicLevelEngine({ path });
  await put(writer, 'a', '1');
  await writer.close();
  const reader = await opened({ path, readOnly: true });
  expect(String(reader.getSync(bytes('a')))).toBe('1');
  await expect(put(reader, 'a', '2')).rejects.toMatchObject({ code: 'engineReadOnly' });
  await expect(reader.deleteRange({ start: bytes('a') })).rejects.toMatchObject({ code: 'engineReadOnly' });
  expect(String(reader.getSync(bytes('a')))).toBe('1');
});

test('damage that LevelDB finds when it opens is named, and keeps its cause', async () => {
  const path = await directory();
  await (await openClassicLevelEngine({ path })).close();
  const current = await readFile(join(path, 'CURRENT'), 'utf8');
  await truncate(join(path, 'CURRENT'), 0);
  await expect(openClassicLevelEngine({ path })).rejects.toMatchObject({
    code: 'engineCorrupted',
    path,
    cause: expect.any(Error),
  });
  await writeFile(join(path, 'CURRENT'), current);
  await truncate(join(path, current.trim()), 0);
  await expect(openClassicLevelEngine({ path })).rejects.toMatchObject({ code: 'engineCorrupted' });
});

test('a path that cannot be a directory is an I/O error with its cause', async () => {
  const file = join(await directory(), 'file');
  await writeFile(file, '');
  await expect(openClassicLevelEngine({ path: join(file, 'kv') })).rejects.toMatchObject({
    code: 'engineIo',
    cause: expect.any(Error),
  });
});

test('a sync covers un-synced writes that have moved to an older log', async () => {
  const path = await directory();
  const engine = await opened({ path, writeBufferBytes: 64 * 1024 });
  const value = new Uint8Array(10_000).fill(1);
  for (let turn = 0; turn < 40; turn += 1) await put(engine, `k${turn}`, value, turn % 10 === 9);
  await engine.write(engine.batch(), { sync: true });
  expect(await engine.scan({ start: bytes('k') })).toHaveLength(40);
});

test('measures what a range takes up once it is in tables', async () => {
  const path = await directory();
  const engine = await opened({ path, writeBufferBytes: 64 * 1024 });
  for (let turn = 0; turn < 40; turn += 1) {
    // Neighbouring bytes that differ, so that compression does not make the size nothing.
    const value = Uint8Array.from({ length: 10_000 }, (_, at) => (at * at * (turn + 1) * 31) >> 3);
    await put(engine, `k${turn}`, value);
  }
  expect(await engine.approximateSize({ start: bytes('a') })).toBeGreaterThan(10_000);
  expect(await engine.approximateSize({ start: bytes('x') })).toBe(0);
});
