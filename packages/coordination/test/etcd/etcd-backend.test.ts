import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CoordinationBackend, WatchUpdate } from '../../src/index.ts';
import { openEtcdBackend } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from './etcd-process.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.skipIf(!isEtcdInstalled())('the etcd backend', () => {
  let etcd: EtcdProcess;
  let backend: CoordinationBackend;

  beforeAll(async () => {
    etcd = await startEtcd();
    backend = openEtcdBackend({ endpoints: [etcd.endpoint], runtime: createSystemRuntime({ logger: silentLogger }) });
  });

  afterAll(async () => {
    await backend.close();
    await etcd.stop();
  });

  test('reads what it wrote', async () => {
    const put = await backend.put({ key: utf8('a'), value: utf8('1') });
    const read = await backend.range({ key: utf8('a') });
    expect(read.kvs).toEqual([
      {
        key: utf8('a'),
        value: utf8('1'),
        createRevision: put.revision,
        modRevision: put.revision,
        version: 1n,
        leaseId: 0n,
      },
    ]);
  });

  test('takes a key without an end for that key alone', async () => {
    await backend.put({ key: utf8('one b'), value: utf8('1') });
    expect(await backend.range({ key: utf8('one a') })).toMatchObject({ kvs: [], count: 0 });
    expect(await backend.delete({ key: utf8('one a') })).toMatchObject({ deleted: 0 });
    const { succeeded } = await backend.transact({
      compare: [{ key: utf8('one a'), target: 'createRevision', result: '=', createRevision: 0n }],
      success: [],
    });
    expect(succeeded).toBe(true);
    await using watch = backend.watch({ key: utf8('one a') });
    await watch.next();
    const { revision } = await backend.put({ key: utf8('one b'), value: utf8('2') });
    watch.requestProgress();
    expect((await watch.next()).value).toEqual({ type: 'progress', revision });
  });

  test('follows a key from the past, and says how far it has come', async () => {
    const first = await backend.put({ key: utf8('w'), value: utf8('1') });
    await using watch = backend.watch({ key: utf8('w'), startRevision: first.revision, previous: true });
    expect((await watch.next()).value).toEqual({ type: 'progress', revision: first.revision - 1n });
    const seen = (await watch.next()).value as WatchUpdate & { type: 'events' };
    expect(seen.events.map((event) => event.type)).toEqual(['put']);
    const other = await backend.put({ key: utf8('x'), value: utf8('1') });
    watch.requestProgress();
    expect((await watch.next()).value).toEqual({ type: 'progress', revision: other.revision });
    const { revision } = await backend.delete({ key: utf8('w') });
    const deleted = (await watch.next()).value as WatchUpdate & { type: 'events' };
    expect(deleted.revision).toBe(revision);
    expect(deleted.events[0]?.type).toBe('delete');
    expect(deleted.events[0]?.previous?.value).toEqual(utf8('1'));
  });

  test('keeps leases alive and learns of their end', async () => {
    const { leaseId } = await backend.grantLease({ ttlMs: 2000 });
    expect(await backend.keepLeaseAlive(leaseId)).toBe(2000);
    expect(await backend.leases()).toContain(leaseId);
    await backend.revokeLease(leaseId);
    await expect(backend.keepLeaseAlive(leaseId)).rejects.toMatchObject({ code: 'leaseNotFound' });
  });

  test('says up to where a revision is compacted', async () => {
    const put = await backend.put({ key: utf8('c'), value: utf8('1') });
    await backend.put({ key: utf8('c'), value: utf8('2') });
    const last = await backend.put({ key: utf8('c'), value: utf8('3') });
    await backend.compact(last.revision);
    await expect(backend.range({ key: utf8('c'), revision: put.revision })).rejects.toMatchObject({
      code: 'compacted',
      revision: last.revision,
    });
  });
});
