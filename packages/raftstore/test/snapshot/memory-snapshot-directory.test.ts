import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { MemorySnapshotDirectory, type SnapshotDiskStep } from '../../src/snapshot/memory-snapshot-directory.ts';
import { NodeSnapshotDirectory } from '../../src/snapshot/node-snapshot-directory.ts';
import type { SnapshotDirectory } from '../../src/snapshot/snapshot-directory.ts';

const { clock } = createSystemRuntime({ logger: silentLogger });

async function textOf(directory: SnapshotDirectory, name: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of directory.read(name, 4)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function write(directory: SnapshotDirectory, name: string, text: string): Promise<void> {
  const writer = await directory.create(name);
  for (const letter of text) await writer.write(Buffer.from(letter));
  await writer.commit();
}

/** A directory that loses power before its `count`-th step, when `first` was committed and `second` is being written. */
async function cutAt(count: number, keeps: 'synced' | 'names' | 'everything') {
  const directory = new MemorySnapshotDirectory(clock);
  await write(directory, 'first', 'old');
  let survivor: MemorySnapshotDirectory | undefined;
  let at: SnapshotDiskStep | undefined;
  let left = count;
  directory.fault = (step) => {
    left -= 1;
    if (left >= 0 || survivor !== undefined) return;
    at = step;
    survivor = directory.crash(keeps);
  };
  await write(directory, 'second', 'new').catch(() => {});
  directory.fault = undefined;
  return { at, left: survivor ?? directory };
}

describe('a snapshot directory in memory', () => {
  it('loses in a crash what was not synced, and names that were not', async () => {
    const seen = new Set<SnapshotDiskStep | undefined>();
    for (let count = 0; count < 8; count += 1) {
      const { at, left } = await cutAt(count, 'synced');
      seen.add(at);
      expect(await textOf(left, 'first')).toBe('old');
      expect(left.names()).toEqual(at === undefined ? ['first', 'second'] : ['first']);
      expect(left.uncommitted()).toEqual([]);
    }
    expect([...seen]).toEqual(['create', 'write', 'syncFile', 'rename', 'syncDirectory', undefined]);
  });

  it('may keep names of files that were never synced, and then without their bytes', async () => {
    const torn = await cutAt(4, 'names');
    expect(torn.at).toBe('syncFile');
    expect(torn.left.uncommitted()).toEqual(['second.tmp']);
    expect(await textOf(torn.left, 'second.tmp')).toBe('');
    const renamed = await cutAt(6, 'names');
    expect(renamed.at).toBe('syncDirectory');
    expect(await textOf(renamed.left, 'second')).toBe('new');
    const ended = await cutAt(4, 'everything');
    expect(await textOf(ended.left, 'second.tmp')).toBe('new');
    await ended.left.removeUncommitted();
    expect(ended.left.uncommitted()).toEqual([]);
  });

  it('brings back a removed file unless the directory was synced since', async () => {
    const directory = new MemorySnapshotDirectory(clock);
    await write(directory, 'first', 'old');
    await directory.remove('first');
    expect(directory.names()).toEqual([]);
    expect(directory.crash().names()).toEqual(['first']);
    const other = new MemorySnapshotDirectory(clock);
    await write(other, 'first', 'old');
    await other.remove('first');
    await write(other, 'second', 'new');
    expect(other.crash().names()).toEqual(['second']);
  });

  it('is dead for those who used it before the crash', async () => {
    const directory = new MemorySnapshotDirectory(clock);
    const writer = await directory.create('first');
    const left = directory.crash();
    await expect(writer.commit()).rejects.toThrow('crashed');
    await expect(directory.create('second')).rejects.toThrow('crashed');
    await expect(directory.remove('first')).rejects.toThrow('crashed');
    expect(left.names()).toEqual([]);
  });
});

describe('both kinds of snapshot directory', () => {
  it('list, read, replace and remove alike', async () => {
    const path = await mkdtemp(join(tmpdir(), 'flotilla-snapshots-'));
    try {
      for (const directory of [new MemorySnapshotDirectory(clock), new NodeSnapshotDirectory(join(path, 'new'))]) {
        await write(directory, 'a', 'one');
        await write(directory, 'a', 'second');
        const dropped = await directory.create('b');
        await dropped.write(Buffer.from('x'));
        const left = await directory.create('c');
        await left.write(Buffer.from('y'));
        await dropped.abort();
        expect(await textOf(directory, 'a')).toBe('second');
        expect((await directory.list()).map(({ name, bytes }) => [name, bytes])).toEqual([['a', 6]]);
        await expect(textOf(directory, 'b')).rejects.toThrow();
        await directory.removeUncommitted();
        await directory.remove('a');
        await directory.remove('never');
        expect(await directory.list()).toEqual([]);
        await left.abort();
      }
      expect(await readdir(join(path, 'new'))).toEqual([]);
    } finally {
      await rm(path, { recursive: true });
    }
  });
});
