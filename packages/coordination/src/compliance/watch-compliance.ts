import { deepEqual, equal, ok } from 'node:assert/strict';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { prefixRange } from '../backend/key-value.ts';
import type { WatchRequest } from '../backend/watch.ts';
import {
  bytes,
  type ComplianceCase,
  type ComplianceHarness,
  emptied,
  eventTexts,
  everything,
  put,
  putting,
  rejectsWith,
  revisionOf,
  text,
  WatchReader,
} from './compliance-fixture.ts';

/** Watches. */
export const watchCompliance: readonly ComplianceCase[] = [
  { name: 'says first that it stands, and then brings what follows', run: stands },
  { name: 'brings what came before the call, from any revision on', run: startsInThePast },
  { name: 'waits for a revision that is yet to come', run: startsInTheFuture },
  { name: 'brings the changes of its key, its prefix or its range, and of no other', run: staysInRange },
  { name: 'tells of puts and deletes as they are', run: tellsEvents },
  { name: 'brings each key as it was before, when asked', run: bringsPrevious },
  { name: 'leaves out puts, or deletes', run: ignores },
  { name: 'brings the changes of a revision together, in the order of the operations', run: keepsRevisionsWhole },
  { name: 'leaves no gap between a read and a watch from the next revision on', run: leavesNoGap },
  { name: 'tells how far it has come, when asked', run: tellsProgress },
  { name: 'never tells of progress before the changes up to there', run: tellsNoFalseProgress },
  { name: 'lets watches live and die apart', run: livesApart },
  { name: 'waits for a slow reader, and loses nothing', run: waitsForReader },
  { name: 'says when what was to follow is compacted, and ends', run: tellsCompacted },
  { name: 'lives through a compaction of what it has brought', run: outlivesCompaction },
  { name: 'starts after the compacted revision', run: startsAfterCompaction },
  { name: 'ends silently when it is closed, or its signal aborts', run: endsSilently },
  { name: 'refuses an empty key', run: refusesEmptyKey },
];

async function watching(
  harness: ComplianceHarness,
  backend: CoordinationBackend,
  request: WatchRequest,
): Promise<WatchReader> {
  return new WatchReader(harness, backend.watch(request)).stands();
}

async function stands(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', 'before');
  const base = await revisionOf(backend);
  const reader = await watching(harness, backend, { key: bytes('a') });
  ok(reader.revision >= base);
  const { revision } = await put(backend, 'a', 'after');
  deepEqual(eventTexts(await reader.take(1)), ['put a=after']);
  ok(reader.revision >= revision);
  await reader.watch.close();
}

async function startsInThePast(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { revision } = await put(backend, 'a', '1');
  await put(backend, 'a', '2');
  await backend.delete({ key: bytes('a') });
  await put(backend, 'a', '3');
  const expected = ['put a=1', 'put a=2', 'delete a', 'put a=3'];
  for (const skipped of [0, 1, 2, 3]) {
    const startRevision = revision + BigInt(skipped);
    const reader = await watching(harness, backend, { key: bytes('a'), startRevision });
    ok(reader.revision < startRevision, 'nothing is told as done that is to follow');
    deepEqual(eventTexts(await reader.take(4 - skipped)), expected.slice(skipped));
    await reader.watch.close();
  }
}

async function startsInTheFuture(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const base = await revisionOf(backend);
  const reader = await watching(harness, backend, { key: bytes('a'), startRevision: base + 3n });
  ok(reader.revision < base + 3n);
  for (const value of ['1', '2', '3', '4']) await put(backend, 'a', value);
  deepEqual(eventTexts(await reader.take(2)), ['put a=3', 'put a=4']);
  await reader.watch.close();
}

async function staysInRange(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const single = await watching(harness, backend, { key: bytes('p') });
  const prefix = await watching(harness, backend, prefixRange(bytes('p')));
  const range = await watching(harness, backend, { key: bytes('p1'), end: bytes('p3') });
  const tail = await watching(harness, backend, { key: bytes('p3'), end: new Uint8Array(0) });
  for (const key of ['o', 'p', 'p1', 'p2', 'p3', 'q']) await put(backend, key);
  const { revision } = await backend.delete(everything);
  const keys = async (reader: WatchReader): Promise<string> => {
    await reader.upTo(revision);
    await reader.watch.close();
    return [...new Set(reader.events.map((event) => text(event.kv.key)))].join(' ');
  };
  equal(await keys(single), 'p');
  equal(await keys(prefix), 'p p1 p2 p3');
  equal(await keys(range), 'p1 p2');
  equal(await keys(tail), 'p3 q');
}

async function tellsEvents(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  const reader = await watching(harness, backend, { key: bytes('a') });
  const first = (await put(backend, 'a', '1')).revision;
  await backend.put({ key: bytes('a'), value: bytes('2'), leaseId });
  await backend.delete({ key: bytes('a') });
  const a = bytes('a');
  const nothing = { createRevision: 0n, version: 0n, leaseId: 0n };
  const written = { key: a, createRevision: first };
  deepEqual(await reader.take(3), [
    { type: 'put', kv: { ...written, value: bytes('1'), modRevision: first, version: 1n, leaseId: 0n } },
    { type: 'put', kv: { ...written, value: bytes('2'), modRevision: first + 1n, version: 2n, leaseId } },
    { type: 'delete', kv: { ...nothing, key: a, value: new Uint8Array(0), modRevision: first + 2n } },
  ]);
  await reader.watch.close();
}

async function bringsPrevious(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const reader = await watching(harness, backend, { key: bytes('a'), previous: true });
  const first = (await put(backend, 'a', '1')).revision;
  await put(backend, 'a', '2');
  await backend.delete({ key: bytes('a') });
  await put(backend, 'a', '3');
  const events = await reader.take(4);
  deepEqual(
    events.map(({ previous }) => previous && [text(previous.value), previous.modRevision, previous.version]),
    [undefined, ['1', first, 1n], ['2', first + 1n, 2n], undefined],
  );
  await reader.watch.close();
}

async function ignores(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const puts = await watching(harness, backend, { key: bytes('a'), ignore: 'delete' });
  const deletes = await watching(harness, backend, { key: bytes('a'), ignore: 'put' });
  await put(backend, 'a', '1');
  await backend.delete({ key: bytes('a') });
  await put(backend, 'a', '2');
  const { revision } = await backend.delete({ key: bytes('a') });
  deepEqual(eventTexts(await puts.upTo(revision)), ['put a=1', 'put a=2']);
  deepEqual(eventTexts(await deletes.upTo(revision)), ['delete a', 'delete a']);
  await puts.watch.close();
  await deletes.watch.close();
}

async function keepsRevisionsWhole(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'old', '1');
  const { revision } = await put(backend, 'z');
  const large = 'x'.repeat(20_000);
  const success = [
    { type: 'delete', key: bytes('old') } as const,
    ...Array.from({ length: 60 }, (_, index) => putting(`k${99 - index}`, large)),
  ];
  const now = await watching(harness, backend, everything);
  await backend.transact({ compare: [], success });
  const past = await watching(harness, backend, { ...everything, startRevision: revision + 1n });
  for (const reader of [now, past]) {
    for (;;) {
      const update = await reader.next();
      if (update?.type === 'progress') continue;
      equal(update?.type === 'events' && update.events.length, 61);
      break;
    }
    deepEqual(
      reader.events.map((event) => text(event.kv.key)),
      success.map((operation) => text((operation as { readonly key: Uint8Array }).key)),
    );
    await reader.watch.close();
  }
}

async function leavesNoGap(harness: ComplianceHarness): Promise<void> {
  const [backend, writer] = [await emptied(harness), await harness.open()];
  const writes = 60;
  const writing = (async () => {
    for (let index = 0; index < writes; index += 1) await put(writer, 'n', String(index));
  })();
  for (let round = 0; round < 5; round += 1) {
    const { kvs, revision } = await backend.range({ key: bytes('n') });
    const seen = kvs[0] === undefined ? -1 : Number(text(kvs[0].value));
    const reader = await watching(harness, backend, { key: bytes('n'), startRevision: revision + 1n });
    const events = await reader.take(Math.min(10, writes - 1 - seen));
    await reader.watch.close();
    for (const [index, event] of events.entries()) equal(Number(text(event.kv.value)), seen + 1 + index);
  }
  await writing;
}

async function tellsProgress(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const reader = await watching(harness, backend, { key: bytes('a') });
  const elsewhere = (await put(backend, 'b')).revision;
  deepEqual(await reader.upTo(elsewhere), []);
  const { revision } = await put(backend, 'a', '1');
  deepEqual(eventTexts(await reader.upTo(revision)), ['put a=1']);
  await reader.watch.close();
}

async function tellsNoFalseProgress(harness: ComplianceHarness): Promise<void> {
  const [backend, writer] = [await emptied(harness), await harness.open()];
  const { revision: start } = await put(backend, 'n/begin');
  const writes = 200;
  // Half of it is history when the watch begins.
  for (let index = 0; index < writes / 2; index += 1) await put(writer, `n/${index % 5}`, String(index));
  const reader = await watching(harness, backend, { ...prefixRange(bytes('n/')), startRevision: start + 1n });
  const writing = (async () => {
    for (let index = writes / 2; index < writes; index += 1) {
      await put(writer, `n/${index % 5}`, String(index));
      // The reader holds progress to the events that follow it.
      if (index % 3 === 0) reader.watch.requestProgress();
    }
    return revisionOf(writer);
  })();
  await reader.take(writes);
  await reader.upTo(await writing);
  deepEqual(
    reader.events.map((event) => Number(text(event.kv.value))),
    Array.from({ length: writes }, (_, index) => index),
  );
  await reader.watch.close();
}

async function livesApart(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const request = { key: bytes('a') };
  const [first, second] = [await watching(harness, backend, request), await watching(harness, backend, request)];
  await put(backend, 'a', '1');
  await first.take(1);
  await first.watch.close();
  await put(backend, 'a', '2');
  deepEqual(eventTexts(await second.take(2)), ['put a=1', 'put a=2']);
  const third = await watching(harness, backend, request);
  await put(backend, 'a', '3');
  deepEqual(eventTexts(await second.take(1)), ['put a=3']);
  deepEqual(eventTexts(await third.take(1)), ['put a=3']);
  await second.watch.close();
  await third.watch.close();
}

async function waitsForReader(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const reader = await watching(harness, backend, prefixRange(bytes('k')));
  const value = 'x'.repeat(1000);
  const revisions = 40;
  for (let index = 0; index < revisions; index += 1) {
    const success = Array.from({ length: 50 }, (_, key) => putting(`k${index}/${key}`, value));
    await backend.transact({ compare: [], success });
  }
  const events = await reader.take(revisions * 50);
  equal(new Set(events.map((event) => text(event.kv.key))).size, revisions * 50);
  equal(new Set(events.map((event) => event.kv.modRevision)).size, revisions);
  await reader.watch.close();
}

async function tellsCompacted(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { revision: startRevision } = await put(backend, 'a', '1');
  await put(backend, 'a', '2');
  const { revision } = await put(backend, 'a', '3');
  await backend.compact(revision);
  const reader = new WatchReader(harness, backend.watch({ key: bytes('a'), startRevision }));
  let update = await reader.next();
  if (update?.type === 'progress') update = await reader.next();
  deepEqual(update, { type: 'compacted', compactRevision: revision });
  equal(await reader.next(), undefined);
  equal(await reader.next(), undefined);
}

async function outlivesCompaction(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const reader = await watching(harness, backend, { key: bytes('a'), previous: true });
  await put(backend, 'a', '1');
  const { revision } = await put(backend, 'a', '2');
  await reader.take(2);
  await backend.compact(revision);
  await put(backend, 'a', '3');
  const [event] = await reader.take(1);
  deepEqual(event && [text(event.kv.value), text(event.previous?.value ?? bytes('?'))], ['3', '2']);
  await reader.watch.close();
}

async function startsAfterCompaction(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { revision } = await put(backend, 'a', '1');
  await put(backend, 'a', '2');
  await backend.compact(revision);
  const reader = await watching(harness, backend, { key: bytes('a'), startRevision: revision + 1n });
  deepEqual(eventTexts(await reader.take(1)), ['put a=2']);
  await reader.watch.close();
}

async function endsSilently(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const closed = await watching(harness, backend, everything);
  const waiting = closed.next();
  await closed.watch.close();
  equal(await waiting, undefined);
  equal(await closed.next(), undefined);
  await closed.watch.close();
  const controller = new AbortController();
  const aborted = new WatchReader(harness, backend.watch(everything, { signal: controller.signal }));
  await aborted.stands();
  const pending = aborted.next();
  controller.abort(new Error('enough'));
  equal(await pending, undefined);
  equal(await new WatchReader(harness, backend.watch(everything, { signal: controller.signal })).next(), undefined);
  const returned = await watching(harness, backend, everything);
  await returned.watch.return?.();
  equal(await returned.next(), undefined);
  await put(backend, 'a');
}

async function refusesEmptyKey(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await rejectsWith(backend.watch({ key: new Uint8Array(0) }).next(), 'invalidArgument');
}
