import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkCluster, openDataDirectory, recordIdentity } from '../src/data-directory.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('makes a directory, marks it, and finds it again', async () => {
  const path = join(root, 'deep', 'data');
  const directory = await openDataDirectory(path);
  expect(directory.identity).toEqual({});
  expect(directory.kvPath).toBe(join(path, 'kv'));
  await recordIdentity(directory, { clusterId: 5, storeId: 2 });
  const again = await openDataDirectory(path);
  expect(again.identity).toMatchObject({ clusterId: 5, storeId: 2 });
  expect(await readFile(join(path, 'FLOTILLA'), 'utf8')).toBe('{"format":2,"clusterId":5,"storeId":2}\n');
});

test('leaves a directory with other things in it alone', async () => {
  await writeFile(join(root, 'notes.txt'), 'mine');
  await openDataDirectory(root);
  expect(await readFile(join(root, 'notes.txt'), 'utf8')).toBe('mine');
});

test('refuses databases without a marker', async () => {
  await mkdir(join(root, 'raft'));
  await expect(openDataDirectory(root)).rejects.toMatchObject({
    code: 'damagedData',
    exitCode: 65,
    message: `${root} holds raft but no FLOTILLA marker: either it is not a node's directory, or it lost a file`,
  });
});

test('refuses another format', async () => {
  await writeFile(join(root, 'FLOTILLA'), '{"format":9}');
  await expect(openDataDirectory(root)).rejects.toMatchObject({
    code: 'otherVersion',
    exitCode: 78,
    message: `${root} is of format 9; this version reads format 2`,
  });
});

test.each(['', '{', '{"format":"1"}', '[]'])('refuses the marker %j', async (marker) => {
  await writeFile(join(root, 'FLOTILLA'), marker);
  await expect(openDataDirectory(root)).rejects.toMatchObject({ code: 'damagedData' });
});

test('refuses a path that cannot be a directory', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(openDataDirectory(join(root, 'file', 'data'))).rejects.toMatchObject({
    code: 'directoryNotWritable',
    exitCode: 73,
  });
});

test('refuses the scheduler of another cluster', async () => {
  const directory = await openDataDirectory(root);
  expect(() => checkCluster(directory, 6)).not.toThrow();
  const known = { ...directory, identity: { clusterId: 5, storeId: 1 } };
  expect(() => checkCluster(known, 5)).not.toThrow();
  expect(() => checkCluster(known, 6)).toThrow(`${root} belongs to cluster 5, but the scheduler is that of cluster 6`);
});
