import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CleanupStack } from '../src/cleanup-stack.ts';
import { openDataDirectory, recordIdentity } from '../src/data-directory.ts';
import { openDatabases } from '../src/databases.ts';

let root: string;
let cleanup: CleanupStack;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  cleanup = newCleanup();
});
afterEach(async () => {
  await cleanup.run();
  await rm(root, { recursive: true, force: true });
});

function newCleanup(): CleanupStack {
  return new CleanupStack((name, error) => {
    throw new Error(name, { cause: error });
  });
}

test('opens both databases, and again after they were closed', async () => {
  const directory = await openDataDirectory(root);
  const first = await openDatabases(directory, cleanup);
  const batch = first.raft.batch();
  batch.put(Buffer.from('key'), Buffer.from('value'));
  await first.raft.write(batch, { sync: true });
  await cleanup.run();
  const again = await openDatabases(directory, cleanup);
  expect(again.raft.getSync(Buffer.from('key'))).toEqual(Buffer.from('value'));
  expect(again.kv.getSync(Buffer.from('key'))).toBeUndefined();
});

test('refuses a directory that is in use', async () => {
  const directory = await openDataDirectory(root);
  await openDatabases(directory, cleanup);
  const second = newCleanup();
  await expect(openDatabases(directory, second)).rejects.toMatchObject({
    code: 'directoryInUse',
    message: `${root} is in use by another process; stop it, or give this node a --data-dir of its own`,
  });
  await second.run();
});

test('refuses a database that is gone although the directory was in use before', async () => {
  const fresh = await openDataDirectory(root);
  await openDatabases(fresh, cleanup);
  await cleanup.run();
  await recordIdentity(fresh, { clusterId: 1, storeId: 1 });
  await rm(fresh.raftPath, { recursive: true });
  const directory = await openDataDirectory(root);
  await expect(openDatabases(directory, cleanup)).rejects.toMatchObject({ code: 'damagedData' });
});
