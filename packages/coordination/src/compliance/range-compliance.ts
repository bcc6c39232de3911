import { deepEqual, equal } from 'node:assert/strict';
import { type KeyRange, prefixRange } from '../backend/key-value.ts';
import type { SortTarget } from '../backend/transaction.ts';
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

/** Reads. */
export const rangeCompliance: readonly ComplianceCase[] = [
  { name: 'reads a key with value, revisions, version and lease', run: readsKey },
  { name: 'reads nothing where nothing is, with the revision of the store', run: readsNothing },
  { name: 'takes a key without an end for that key alone, in reads, comparisons and deletes', run: takesKeyAlone },
  { name: 'reads ranges without their end, prefixes, and everything from a key on', run: readsRanges },
  { name: 'finds no key in a range that has no room for one', run: readsEmptyRanges },
  { name: 'cuts a range at the limit, says so, and counts all of it', run: limits },
  { name: 'sorts by every target, both ways', run: sorts },
  { name: 'filters by revisions before it cuts, and counts what it left out', run: filters },
  { name: 'leaves values out, or all but the count', run: leavesOut },
  { name: 'reads at an old revision what stood there then', run: readsThePast },
  { name: 'refuses a revision that is yet to come', run: refusesTheFuture },
  { name: 'refuses an empty key', run: refusesEmptyKey },
  { name: 'keeps bytes of keys and values as they are', run: keepsBytes },
  { name: 'reads serializable from whoever answers', run: readsSerializable },
  { name: 'orders keys by bytes, the shorter of two first', run: ordersKeys },
];

async function readsKey(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  const created = await put(backend, 'a', '1');
  const written = await backend.put({ key: bytes('a'), value: bytes('2'), leaseId });
  deepEqual(await backend.range({ key: bytes('a') }), {
    revision: written.revision,
    kvs: [
      {
        key: bytes('a'),
        value: bytes('2'),
        createRevision: created.revision,
        modRevision: written.revision,
        version: 2n,
        leaseId,
      },
    ],
    more: false,
    count: 1,
  });
}

async function readsNothing(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { revision } = await put(backend, 'a');
  deepEqual(await backend.range({ key: bytes('b') }), { revision, kvs: [], more: false, count: 0 });
  deepEqual(await backend.range(prefixRange(bytes('b'))), { revision, kvs: [], more: false, count: 0 });
}

async function takesKeyAlone(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'b', '1');
  await put(backend, 'c', '2');
  const a = { key: bytes('a') };
  equal((await backend.range(a)).count, 0);
  equal((await backend.range({ key: bytes('b') })).count, 1);
  const past = await revisionOf(backend);
  equal((await backend.range({ ...a, revision: past })).count, 0);
  const absent = { ...a, result: '=', target: 'version', version: 0n } as const;
  const { succeeded, results } = await backend.transact({ compare: [absent], success: [{ type: 'range', ...a }] });
  equal(succeeded, true);
  equal(results[0]?.type === 'range' && results[0].count, 0);
  equal((await backend.delete(a)).deleted, 0);
  equal((await backend.delete({ key: bytes('b') })).deleted, 1);
}

async function readsRanges(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  for (const key of ['a', 'b', 'b/1', 'b/2', 'b0', 'c']) await put(backend, key);
  const read = async (range: KeyRange): Promise<string[]> => keysOf((await backend.range(range)).kvs);
  deepEqual(await read({ key: bytes('a'), end: bytes('b/2') }), ['a', 'b', 'b/1']);
  deepEqual(await read(prefixRange(bytes('b/'))), ['b/1', 'b/2']);
  deepEqual(await read({ key: bytes('b0'), end: new Uint8Array(0) }), ['b0', 'c']);
  deepEqual(await read(everything), ['a', 'b', 'b/1', 'b/2', 'b0', 'c']);
  deepEqual(await read(prefixRange(new Uint8Array(0))), ['a', 'b', 'b/1', 'b/2', 'b0', 'c']);
  deepEqual(await read({ key: bytes('a\0'), end: bytes('b\0') }), ['b']);
}

async function readsEmptyRanges(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a');
  await put(backend, '\0');
  for (const range of [
    { key: bytes('a'), end: bytes('a') },
    { key: bytes('b'), end: bytes('a') },
    // etcd itself takes a single zero byte for the end of the key space.
    { key: bytes('a'), end: Uint8Array.of(0) },
    { key: Uint8Array.of(0), end: Uint8Array.of(0) },
  ]) {
    equal((await backend.range(range)).count, 0);
    equal((await backend.delete(range)).deleted, 0);
  }
  equal((await backend.range(everything)).count, 2);
}

async function limits(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  for (const key of ['a', 'b', 'c']) await put(backend, key);
  const { revision } = await put(backend, 'd');
  const read = async (limit: number): Promise<unknown> => {
    const { kvs, more, count } = await backend.range({ ...everything, limit });
    return { keys: keysOf(kvs), more, count };
  };
  deepEqual(await read(2), { keys: ['a', 'b'], more: true, count: 4 });
  deepEqual(await read(4), { keys: ['a', 'b', 'c', 'd'], more: false, count: 4 });
  deepEqual(await read(0), { keys: ['a', 'b', 'c', 'd'], more: false, count: 4 });
  const descending = { by: 'key', order: 'descending' } as const;
  deepEqual(keysOf((await backend.range({ ...everything, limit: 2, sort: descending })).kvs), ['d', 'c']);
  const past = await backend.range({ ...everything, limit: 2, revision: revision - 1n });
  deepEqual({ keys: keysOf(past.kvs), more: past.more, count: past.count }, { keys: ['a', 'b'], more: true, count: 3 });
}

async function sorts(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'b', '3');
  await put(backend, 'a', '2');
  await put(backend, 'c', '1');
  await put(backend, 'b', '3');
  await put(backend, 'b', '3');
  await put(backend, 'a', '2');
  const expected: Readonly<Record<SortTarget, readonly string[]>> = {
    key: ['a', 'b', 'c'],
    version: ['c', 'a', 'b'],
    createRevision: ['b', 'a', 'c'],
    modRevision: ['c', 'b', 'a'],
    value: ['c', 'a', 'b'],
  };
  for (const [by, ascending] of Object.entries(expected) as [SortTarget, string[]][]) {
    const read = async (order: 'ascending' | 'descending', limit?: number): Promise<string[]> =>
      keysOf((await backend.range({ ...everything, sort: { by, order }, limit })).kvs);
    deepEqual(await read('ascending'), ascending, by);
    deepEqual(await read('descending'), [...ascending].reverse(), by);
    deepEqual(await read('descending', 1), ascending.slice(-1), by);
    const keysOnly = await backend.range({ ...everything, sort: { by, order: 'ascending' }, keysOnly: true });
    deepEqual(keysOf(keysOnly.kvs), ascending, `${by}, without values`);
  }
}

async function filters(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await put(backend, 'a')).revision;
  await put(backend, 'b');
  await put(backend, 'c');
  await put(backend, 'a');
  const read = async (filter: object): Promise<string> => {
    const { kvs, count, more } = await backend.range({ ...everything, ...filter });
    return `${keysOf(kvs).join('')} of ${count}${more ? ' and more' : ''}`;
  };
  equal(await read({ minModRevision: first + 2n }), 'ac of 3');
  equal(await read({ maxModRevision: first + 2n }), 'bc of 3');
  equal(await read({ minCreateRevision: first + 1n }), 'bc of 3');
  equal(await read({ maxCreateRevision: first + 1n }), 'ab of 3');
  equal(await read({ minModRevision: first + 2n, maxCreateRevision: first }), 'a of 3');
  equal(await read({ minModRevision: first + 2n, limit: 1 }), 'a of 3 and more');
  equal(await read({ minModRevision: first + 9n }), ' of 3');
}

async function leavesOut(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  const { revision } = await put(backend, 'b', '2');
  const keys = await backend.range({ ...everything, keysOnly: true });
  deepEqual(
    keys.kvs.map((kv) => [text(kv.key), text(kv.value), kv.version]),
    [
      ['a', '', 1n],
      ['b', '', 1n],
    ],
  );
  deepEqual(await backend.range({ ...everything, countOnly: true }), { revision, kvs: [], more: false, count: 2 });
  deepEqual(await backend.range({ ...everything, countOnly: true, limit: 1 }), {
    revision,
    kvs: [],
    more: false,
    count: 2,
  });
}

async function readsThePast(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await put(backend, 'a', '1')).revision;
  const second = (await put(backend, 'b', '2')).revision;
  await backend.delete({ key: bytes('a') });
  const fourth = (await put(backend, 'a', '3')).revision;
  const read = async (revision: bigint): Promise<string[]> => {
    const result = await backend.range({ ...everything, revision });
    equal(result.revision, fourth, "the revision of an answer is the store's");
    equal(result.count, result.kvs.length);
    return result.kvs.map((kv) => `${text(kv.key)}=${text(kv.value)} v${kv.version}`);
  };
  deepEqual(await read(first), ['a=1 v1']);
  deepEqual(await read(second), ['a=1 v1', 'b=2 v1']);
  deepEqual(await read(second + 1n), ['b=2 v1']);
  deepEqual(await read(fourth), ['a=3 v1', 'b=2 v1']);
}

async function refusesTheFuture(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const revision = await revisionOf(backend);
  await rejectsWith(backend.range({ key: bytes('a'), revision: revision + 1n }), 'futureRevision');
  await backend.range({ key: bytes('a'), revision });
}

async function refusesEmptyKey(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const nothing = new Uint8Array(0);
  await rejectsWith(backend.range({ key: nothing }), 'invalidArgument');
  await rejectsWith(backend.put({ key: nothing, value: nothing }), 'invalidArgument');
  await rejectsWith(backend.delete({ key: nothing }), 'invalidArgument');
  const write = { type: 'put', key: nothing, value: nothing } as const;
  await rejectsWith(backend.transact({ compare: [], success: [write] }), 'invalidArgument');
}

async function keepsBytes(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  await backend.put({ key: every, value: every });
  const [found] = (await backend.range({ key: every })).kvs;
  deepEqual(found?.key, every);
  deepEqual(found?.value, every);
  await put(backend, 'empty', '');
  deepEqual((await get(backend, 'empty'))?.value, new Uint8Array(0));
  const large = new Uint8Array(1024 * 1024).fill(7);
  await backend.put({ key: bytes('large'), value: large });
  equal(Buffer.compare((await get(backend, 'large'))?.value as Uint8Array, large), 0);
}

async function readsSerializable(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  for (;;) {
    // A replica may be behind, but not for good.
    const { kvs } = await backend.range({ key: bytes('a'), serializable: true });
    if (kvs.length === 0) continue;
    equal(text(kvs[0]?.value as Uint8Array), '1');
    return;
  }
}

async function ordersKeys(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const keys = [[0], [0, 0], [1], [1, 0], [1, 255], [127], [128], [255], [255, 0], [255, 255]];
  for (const key of [...keys].reverse()) {
    await backend.put({ key: Uint8Array.from(key), value: new Uint8Array(0) });
  }
  const found = (await backend.range(everything)).kvs.map((kv) => [...kv.key]);
  deepEqual(found, keys);
  const tail = (await backend.range(prefixRange(Uint8Array.of(255)))).kvs.map((kv) => [...kv.key]);
  deepEqual(tail, [[255], [255, 0], [255, 255]]);
}
