import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connectEmbedded, openEmbeddedCoordination } from '../../src/index.ts';

const key = Buffer.from('ship');

it('answers calls, leases and watches from memory', async () => {
  await using backend = await openEmbeddedCoordination({ memory: true });
  const watch = backend.watch({ key });
  expect((await watch.next()).value).toMatchObject({ type: 'progress' });
  const { leaseId } = await backend.grantLease({ ttlMs: 10_000 });
  const { revision } = await backend.put({ key, value: Buffer.from('Endurance'), leaseId });
  expect((await watch.next()).value).toMatchObject({ type: 'events', revision });
  const { kvs } = await backend.range({ key, serializable: true });
  expect(kvs.map(({ value }) => Buffer.from(value).toString())).toEqual(['Endurance']);
  await backend.revokeLease(leaseId);
  expect((await watch.next()).value).toMatchObject({ type: 'events', events: [{ type: 'delete' }] });
  expect(backend.location).toEqual({ type: 'here' });
  await backend.close();
  expect((await watch.next()).done).toBe(true);
  await expect(backend.ping()).rejects.toMatchObject({ code: 'closed' });
});

it('keeps what it has in a directory, which one process has at a time', async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flotilla-coordination-'));
  onTestFinished(() => rm(dataDirectory, { recursive: true }));
  const first = await openEmbeddedCoordination({ dataDirectory });
  const { revision } = await first.put({ key, value: Buffer.from('1') });
  await expect(openEmbeddedCoordination({ dataDirectory })).rejects.toMatchObject({ code: 'engineLocked' });
  await first.close();
  await using second = await openEmbeddedCoordination({ dataDirectory });
  expect((await second.range({ key })).kvs).toMatchObject([{ modRevision: revision }]);
  expect(await second.put({ key, value: Buffer.from('2') })).toEqual({ revision: revision + 1n });
});

it.each(['scheduler', 'raft', 'kv'])('refuses a directory of which the %s database is gone', async (name) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flotilla-coordination-'));
  onTestFinished(() => rm(dataDirectory, { recursive: true }));
  await (await openEmbeddedCoordination({ dataDirectory })).close();
  await rm(join(dataDirectory, name), { recursive: true });
  await expect(openEmbeddedCoordination({ dataDirectory })).rejects.toThrow();
});

it('says when no scheduler of a cluster can be reached', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(connectEmbedded({ schedulers: ['127.0.0.1:1'], signal })).rejects.toMatchObject({ code: 'cancelled' });
});
