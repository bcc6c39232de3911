import { deepEqual, equal } from 'node:assert/strict';
import { prefixRange } from '../backend/key-value.ts';
import {
  bytes,
  type ComplianceCase,
  type ComplianceHarness,
  emptied,
  everything,
  get,
  keysOf,
  put,
  rejectsWith,
  revisionOf,
  text,
} from './compliance-fixture.ts';

/** Puts, deletes and compaction. */
export const writeCompliance: readonly ComplianceCase[] = [
  { name: 'gives each write the next revision', run: countsRevisions },
  { name: 'counts the versions of a key, from one again after a delete', run: countsVersions },
  { name: 'gives back what a put replaced, when asked', run: putGivesPrevious },
  { name: 'keeps the value, or the lease, of a key that is there', run: keepsValueOrLease },
  { name: 'refuses to keep what is not there, and to keep and set at once', run: refusesToKeep },
  { name: 'deletes keys and ranges in one revision, and gives back what they were', run: deletes },
  { name: 'does not raise the revision for a delete of nothing', run: deletesNothing },
  { name: 'gives simultaneous writes a revision each', run: writesAtOnce },
  { name: 'forgets what was overwritten before the compacted revision, and nothing else', run: compacts },
  { name: 'says up to where a revision is compacted', run: tellsCompactRevision },
  { name: 'refuses to compact twice, or into the future', run: refusesCompaction },
  { name: 'forgets deleted keys that it compacts', run: compactsDeleted },
];

async function countsRevisions(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const base = await revisionOf(backend);
  equal((await put(backend, 'a')).revision, base + 1n);
  equal((await put(backend, 'a')).revision, base + 2n);
  equal((await backend.delete({ key: bytes('a') })).revision, base + 3n);
  equal((await put(backend, 'b')).revision, base + 4n);
  equal(await revisionOf(backend), base + 4n);
}

async function countsVersions(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await put(backend, 'a')).revision;
  await put(backend, 'a');
  const before = await get(backend, 'a');
  deepEqual([before?.version, before?.createRevision, before?.modRevision], [2n, first, first + 1n]);
  await backend.delete({ key: bytes('a') });
  const again = (await put(backend, 'a')).revision;
  const after = await get(backend, 'a');
  deepEqual([after?.version, after?.createRevision, after?.modRevision], [1n, again, again]);
}

async function putGivesPrevious(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = await backend.put({ key: bytes('a'), value: bytes('1'), previous: true });
  equal(first.previous, undefined);
  const before = await get(backend, 'a');
  const second = await backend.put({ key: bytes('a'), value: bytes('2'), previous: true });
  deepEqual(second.previous, before);
  equal((await put(backend, 'a', '3')).previous, undefined);
}

async function keepsValueOrLease(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await put(backend, 'a', '1');
  await backend.put({ key: bytes('a'), keepValue: true, leaseId });
  let found = await get(backend, 'a');
  deepEqual([text(found?.value as Uint8Array), found?.leaseId, found?.version], ['1', leaseId, 2n]);
  await backend.put({ key: bytes('a'), value: bytes('2'), keepLease: true });
  found = await get(backend, 'a');
  deepEqual([text(found?.value as Uint8Array), found?.leaseId, found?.version], ['2', leaseId, 3n]);
  await backend.put({ key: bytes('a'), keepValue: true, keepLease: true });
  found = await get(backend, 'a');
  deepEqual([text(found?.value as Uint8Array), found?.leaseId, found?.version], ['2', leaseId, 4n]);
  await put(backend, 'a', '3');
  equal((await get(backend, 'a'))?.leaseId, 0n);
}

async function refusesToKeep(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const base = await revisionOf(backend);
  await rejectsWith(backend.put({ key: bytes('a'), keepValue: true }), 'keyNotFound');
  await rejectsWith(backend.put({ key: bytes('a'), value: bytes('1'), keepLease: true }), 'keyNotFound');
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await rejectsWith(backend.put({ key: bytes('a'), value: bytes('1'), keepValue: true }), 'invalidArgument');
  const both = backend.put({ key: bytes('a'), value: bytes('1'), leaseId, keepLease: true });
  await rejectsWith(both, 'invalidArgument');
  await rejectsWith(backend.put({ key: bytes('a'), value: bytes('1'), leaseId: leaseId + 1n }), 'leaseNotFound');
  const neither = { key: bytes('a'), keepValue: true, leaseId: leaseId + 1n } as const;
  await rejectsWith(backend.put(neither), 'leaseNotFound');
  await rejectsWith(backend.transact({ compare: [], success: [{ type: 'put', ...neither }] }), 'keyNotFound');
  equal(await revisionOf(backend), base);
}

async function deletes(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  for (const key of ['a', 'b/1', 'b/2', 'b/3', 'c']) await put(backend, key, key);
  const base = await revisionOf(backend);
  const one = await backend.delete({ key: bytes('b/2'), previous: true });
  deepEqual([one.revision, one.deleted, keysOf(one.previous)], [base + 1n, 1, ['b/2']]);
  equal(text(one.previous[0]?.value as Uint8Array), 'b/2');
  const range = await backend.delete(prefixRange(bytes('b/')));
  deepEqual([range.revision, range.deleted, range.previous.length], [base + 2n, 2, 0]);
  deepEqual(keysOf((await backend.range(everything)).kvs), ['a', 'c']);
  equal((await backend.delete({ key: bytes('b'), end: new Uint8Array(0) })).deleted, 1);
}

async function deletesNothing(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const revision = await revisionOf(backend);
  deepEqual(await backend.delete({ key: bytes('a'), previous: true }), { revision, deleted: 0, previous: [] });
  deepEqual(await backend.delete(prefixRange(bytes('a'))), { revision, deleted: 0, previous: [] });
  equal(await revisionOf(backend), revision);
}

async function writesAtOnce(harness: ComplianceHarness): Promise<void> {
  const [first, second] = [await emptied(harness), await harness.open()];
  const base = await revisionOf(first);
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, index) => put(index % 2 === 0 ? first : second, `key-${index % 7}`, String(index))),
  );
  const revisions = results.map((result) => result.revision - base).sort((a, b) => Number(a - b));
  deepEqual(
    revisions,
    Array.from({ length: 40 }, (_, index) => BigInt(index + 1)),
  );
  const versions = (await first.range(everything)).kvs.map((kv) => kv.version);
  equal(
    versions.reduce((sum, version) => sum + version, 0n),
    40n,
  );
}

async function compacts(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  const second = (await put(backend, 'a', '2')).revision;
  await put(backend, 'b', '1');
  const fourth = (await put(backend, 'a', '3')).revision;
  await backend.compact(second + 1n);
  await rejectsWith(backend.range({ key: bytes('a'), revision: second }), 'compacted');
  const valueAt = async (revision?: bigint): Promise<string> => {
    const { kvs } = await backend.range({ key: bytes('a'), revision });
    return text(kvs[0]?.value as Uint8Array);
  };
  equal(await valueAt(second + 1n), '2');
  equal(await valueAt(fourth), '3');
  equal(await valueAt(), '3');
  equal(await revisionOf(backend), fourth);
  const found = await get(backend, 'a');
  deepEqual([found?.createRevision, found?.version], [second - 1n, 3n]);
}

async function tellsCompactRevision(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await put(backend, 'a')).revision;
  const second = (await put(backend, 'a')).revision;
  await backend.compact(second);
  const refusal = await rejectsWith(backend.range({ key: bytes('a'), revision: first }), 'compacted');
  equal(refusal.revision, second);
}

async function refusesCompaction(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await put(backend, 'a')).revision;
  const second = (await put(backend, 'a')).revision;
  await backend.compact(second);
  await rejectsWith(backend.compact(second), 'compacted');
  await rejectsWith(backend.compact(first), 'compacted');
  await rejectsWith(backend.compact(second + 1n), 'futureRevision');
}

async function compactsDeleted(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  const { revision: deleted } = await backend.delete({ key: bytes('a') });
  const { revision } = await put(backend, 'b', '1');
  await backend.compact(revision);
  equal(await get(backend, 'a'), undefined);
  await rejectsWith(backend.range({ key: bytes('a'), revision: deleted }), 'compacted');
  await put(backend, 'a', '2');
  const found = await get(backend, 'a');
  deepEqual([found?.version, found?.createRevision], [1n, revision + 1n]);
}
