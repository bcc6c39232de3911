import { describe, expect, test } from 'vitest';
import type { Engine } from '../src/engine.ts';
import { MemoryDisk } from '../src/memory-disk.ts';
import { MemoryEngine } from '../src/memory-engine.ts';
import { describeEngine } from './engine-contract.ts';

describeEngine({
  name: 'MemoryEngine',
  open: async () => {
    const engine = new MemoryEngine();
    return { engine, dispose: () => engine.close() };
  },
});

async function put(engine: Engine, key: string, sync: boolean): Promise<void> {
  const batch = engine.batch();
  batch.put(Buffer.from(key), Buffer.from(key));
  await engine.write(batch, { sync });
}

async function keysOf(engine: Engine): Promise<string[]> {
  return (await engine.scan({ start: new Uint8Array(0) })).map(({ key }) => String(key));
}

describe('a crash', () => {
  test('drops what was not synced, and nothing else', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    await put(engine, 'a', false);
    await put(engine, 'b', true);
    await put(engine, 'c', false);
    await put(engine, 'd', false);
    expect(disk.unsyncedCount).toBe(2);
    disk.crash();
    expect(await keysOf(new MemoryEngine(disk))).toEqual(['a', 'b']);
    disk.crash();
    expect(await keysOf(new MemoryEngine(disk))).toEqual(['a', 'b']);
  });

  test('may leave the first of what was not synced', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    for (const key of ['a', 'b', 'c']) await put(engine, key, false);
    disk.crash(2);
    expect(await keysOf(new MemoryEngine(disk))).toEqual(['a', 'b']);
  });

  test('brings back what an un-synced delete removed', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    await put(engine, 'a', true);
    await engine.deleteRange({ start: Buffer.from('a') });
    expect(await keysOf(engine)).toEqual([]);
    disk.crash();
    expect(await keysOf(new MemoryEngine(disk))).toEqual(['a']);
  });

  test('ends the engine that was open', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    disk.crash();
    expect(() => engine.getSync(Buffer.from('a'))).toThrow(expect.objectContaining({ code: 'engineClosed' }));
    await expect(put(engine, 'a', true)).rejects.toMatchObject({ code: 'engineClosed' });
    const next = new MemoryEngine(disk);
    await engine.close();
    await put(next, 'b', true);
  });

  test('during a sync leaves that write undecided, and never acknowledges it', async () => {
    let release = (): void => {};
    const disk = new MemoryDisk({
      sync: () =>
        new Promise((resolve) => {
          release = () => resolve(undefined);
        }),
    });
    const engine = new MemoryEngine(disk);
    const write = put(engine, 'a', true);
    disk.crash();
    release();
    await expect(write).rejects.toMatchObject({ code: 'engineClosed' });
    expect(await keysOf(new MemoryEngine(disk))).toEqual([]);
  });
});

test('closing keeps what was not synced: the system has it still', async () => {
  const disk = new MemoryDisk();
  const engine = new MemoryEngine(disk);
  await put(engine, 'a', false);
  await engine.close();
  expect(await keysOf(new MemoryEngine(disk))).toEqual(['a']);
});

test('a disk takes one engine at a time', async () => {
  const disk = new MemoryDisk();
  const engine = new MemoryEngine(disk);
  expect(() => new MemoryEngine(disk)).toThrow(expect.objectContaining({ code: 'engineLocked' }));
  await engine.close();
  new MemoryEngine(disk);
});

test('a sync covers what came before it, not what came while it ran', async () => {
  const releases: (() => void)[] = [];
  const disk = new MemoryDisk({ sync: () => new Promise((resolve) => releases.push(() => resolve(undefined))) });
  const engine = new MemoryEngine(disk);
  const first = put(engine, 'a', true);
  const second = put(engine, 'b', true);
  await put(engine, 'c', false);
  releases[1]?.();
  await second;
  expect(disk.unsyncedCount).toBe(1);
  releases[0]?.();
  await first;
  expect(disk.unsyncedCount).toBe(1);
  disk.crash();
  expect(await keysOf(new MemoryEngine(disk))).toEqual(['a', 'b']);
});

describe('a fault', () => {
  test('of a write leaves nothing of it, and stops the engine', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    await put(engine, 'a', false);
    disk.faults = { write: () => 'diskFull' };
    await expect(put(engine, 'b', false)).rejects.toMatchObject({ code: 'diskFull' });
    disk.faults = {};
    await expect(put(engine, 'c', false)).rejects.toMatchObject({ code: 'engineFailed' });
    expect(await keysOf(engine)).toEqual(['a']);
    await engine.close();
    const next = new MemoryEngine(disk);
    await put(next, 'c', true);
    expect(await keysOf(next)).toEqual(['a', 'c']);
  });

  test('of a sync is told to the writer, and stops the engine', async () => {
    const disk = new MemoryDisk({ sync: () => 'engineIo' });
    const engine = new MemoryEngine(disk);
    await expect(put(engine, 'a', true)).rejects.toMatchObject({ code: 'engineIo' });
    await expect(put(engine, 'b', true)).rejects.toMatchObject({ code: 'engineFailed' });
    disk.crash();
    expect(await keysOf(new MemoryEngine(disk))).toEqual([]);
  });
});

describe('damage', () => {
  test('changes and takes away what is stored, under an open engine and after a crash', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    await put(engine, 'a', true);
    await put(engine, 'b', false);
    disk.rot(Buffer.from('a'), Buffer.from('rotten'));
    disk.rot(Buffer.from('b'), undefined);
    disk.rot(Buffer.from('never written'), Buffer.from('rotten'));
    expect(await keysOf(engine)).toEqual(['a']);
    expect(String(engine.getSync(Buffer.from('a')))).toBe('rotten');
    disk.crash();
    expect(String(new MemoryEngine(disk).getSync(Buffer.from('a')))).toBe('rotten');
  });

  test('takes a disk that nobody uses back to an earlier image', async () => {
    const disk = new MemoryDisk();
    const engine = new MemoryEngine(disk);
    await put(engine, 'a', true);
    await put(engine, 'b', false);
    const image = disk.durableImage();
    await put(engine, 'c', true);
    expect(() => disk.restore(image)).toThrow(expect.objectContaining({ code: 'engineLocked' }));
    await engine.close();
    disk.restore(image);
    const again = new MemoryEngine(disk);
    expect(await keysOf(again)).toEqual(['a']);
    await put(again, 'd', true);
    disk.crash();
    expect(await keysOf(new MemoryEngine(disk))).toEqual(['a', 'd']);
  });
});

describe('a watch', () => {
  test('may crash the disk at each step, and nothing of the engine that was open counts after that', async () => {
    const left: Record<string, string[]> = {};
    for (const at of ['write', 'written', 'sync', 'synced']) {
      const disk = new MemoryDisk();
      const engine = new MemoryEngine(disk);
      await put(engine, 'a', true);
      disk.watch = (step) => {
        if (step === at) disk.crash();
      };
      await expect(put(engine, 'b', true)).rejects.toMatchObject({ code: 'engineClosed' });
      disk.watch = undefined;
      left[at] = await keysOf(new MemoryEngine(disk));
    }
    expect(left).toEqual({ write: ['a'], written: ['a'], sync: ['a'], synced: ['a', 'b'] });
  });
});
