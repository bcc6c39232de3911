import { deepEqual, equal } from 'node:assert/strict';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { prefixRange } from '../backend/key-value.ts';
import type { Compare, CompareTarget, Operation, TransactionRequest } from '../backend/transaction.ts';
import {
  bytes,
  type ComplianceCase,
  type ComplianceHarness,
  compare,
  emptied,
  everything,
  get,
  keysOf,
  put,
  putting,
  reading,
  rejectsWith,
  revisionOf,
  text,
} from './compliance-fixture.ts';

/** Transactions. */
export const transactionCompliance: readonly ComplianceCase[] = [
  { name: 'compares versions, revisions, leases and values, with every result', run: compares },
  { name: 'takes an absent key for revision, version and lease 0, and for no value', run: comparesAbsent },
  { name: 'compares each key of a range, and an empty range as an absent key', run: comparesRanges },
  { name: 'does one branch and leaves the other', run: takesBranch },
  { name: 'does all its writes in one revision', run: writesOneRevision },
  { name: 'lets its reads see the writes before them', run: readsOwnWrites },
  { name: 'does not raise the revision when nothing is written', run: writesNothing },
  { name: 'does transactions inside transactions', run: nests },
  { name: 'takes 128 operations and comparisons, and no more', run: limitsOperations },
  { name: 'refuses to put a key twice, or to put and delete it', run: refusesDuplicates },
  { name: 'changes nothing when one of its operations is refused', run: isAtomic },
  { name: 'lets exactly one of many simultaneous compare-and-sets win', run: oneWins },
  { name: 'reads at old revisions in a transaction', run: readsThePast },
];

/** Whether the comparison holds. */
async function holds(backend: CoordinationBackend, ...conditions: readonly Compare[]): Promise<boolean> {
  return (await backend.transact({ compare: conditions, success: [] })).succeeded;
}

/** Which of the four results hold for the target. */
async function resultsOf(backend: CoordinationBackend, key: string, target: CompareTarget): Promise<string> {
  let found = '';
  for (const result of ['=', '!=', '<', '>'] as const) {
    if (await holds(backend, compare(key, result, target))) found += `${result} `;
  }
  return found.trim();
}

async function compares(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  const createRevision = (await put(backend, 'a', 'm')).revision;
  await backend.put({ key: bytes('a'), value: bytes('m'), leaseId });
  const targets: readonly ((delta: bigint) => CompareTarget)[] = [
    (delta) => ({ target: 'version', version: 2n + delta }),
    (delta) => ({ target: 'createRevision', createRevision: createRevision + delta }),
    (delta) => ({ target: 'modRevision', modRevision: createRevision + 1n + delta }),
    (delta) => ({ target: 'lease', leaseId: leaseId + delta }),
    (delta) => ({ target: 'value', value: bytes(['l', 'm', 'n'][Number(delta) + 1] as string) }),
  ];
  for (const target of targets) {
    equal(await resultsOf(backend, 'a', target(0n)), '=', target(0n).target);
    equal(await resultsOf(backend, 'a', target(1n)), '!= <', target(0n).target);
    equal(await resultsOf(backend, 'a', target(-1n)), '!= >', target(0n).target);
  }
  equal(await resultsOf(backend, 'a', { target: 'value', value: bytes('ma') }), '!= <');
  equal(await resultsOf(backend, 'a', { target: 'value', value: bytes('') }), '!= >');
}

async function comparesAbsent(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  equal(await resultsOf(backend, 'a', { target: 'version', version: 0n }), '=');
  equal(await resultsOf(backend, 'a', { target: 'createRevision', createRevision: 0n }), '=');
  equal(await resultsOf(backend, 'a', { target: 'modRevision', modRevision: 0n }), '=');
  equal(await resultsOf(backend, 'a', { target: 'lease', leaseId: 0n }), '=');
  equal(await resultsOf(backend, 'a', { target: 'version', version: 1n }), '!= <');
  for (const value of ['', 'x']) equal(await resultsOf(backend, 'a', { target: 'value', value: bytes(value) }), '');
  await put(backend, 'a', '');
  equal(await resultsOf(backend, 'a', { target: 'value', value: bytes('') }), '=');
  await backend.delete({ key: bytes('a') });
  equal(await resultsOf(backend, 'a', { target: 'modRevision', modRevision: 0n }), '=');
}

async function comparesRanges(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'p/1', 'x');
  await put(backend, 'p/2', 'x');
  await put(backend, 'p/2', 'x');
  await put(backend, 'q', 'y');
  const range = prefixRange(bytes('p/'));
  equal(await holds(backend, { ...range, result: '=', target: 'value', value: bytes('x') }), true);
  equal(await holds(backend, { ...range, result: '>', target: 'version', version: 0n }), true);
  equal(await holds(backend, { ...range, result: '=', target: 'version', version: 1n }), false);
  equal(await holds(backend, { ...range, result: '<', target: 'version', version: 3n }), true);
  equal(await holds(backend, { ...everything, result: '=', target: 'value', value: bytes('x') }), false);
  const empty = prefixRange(bytes('z/'));
  equal(await holds(backend, { ...empty, result: '=', target: 'createRevision', createRevision: 0n }), true);
  equal(await holds(backend, { ...empty, result: '>', target: 'createRevision', createRevision: 0n }), false);
  equal(await holds(backend, { ...empty, result: '!=', target: 'value', value: bytes('x') }), false);
}

async function takesBranch(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const request: TransactionRequest = {
    compare: [compare('lock', '=', { target: 'createRevision', createRevision: 0n })],
    success: [putting('lock', 'mine')],
    failure: [reading('lock')],
  };
  const won = await backend.transact(request);
  deepEqual(won, { revision: won.revision, succeeded: true, results: [{ type: 'put', revision: won.revision }] });
  const lost = await backend.transact(request);
  equal(lost.succeeded, false);
  const [read] = lost.results;
  equal(read?.type === 'range' && text(read.kvs[0]?.value as Uint8Array), 'mine');
  const all = [
    compare('lock', '=', { target: 'version', version: 1n }),
    compare('lock', '=', { target: 'version', version: 2n }),
  ];
  equal((await backend.transact({ compare: all, success: [] })).succeeded, false);
  const none = await backend.transact({ compare: all, success: [putting('lock', 'yours')] });
  deepEqual(none, { revision: won.revision, succeeded: false, results: [] });
  equal((await backend.transact({ compare: [], success: [], failure: [putting('x')] })).succeeded, true);
}

async function writesOneRevision(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'old', '1');
  const base = await revisionOf(backend);
  const { revision, results } = await backend.transact({
    compare: [],
    success: [putting('a'), putting('b'), { type: 'delete', key: bytes('old'), previous: true }],
  });
  equal(revision, base + 1n);
  const [, , deleted] = results;
  equal(deleted?.type === 'delete' && deleted.deleted === 1 && text(deleted.previous[0]?.value as Uint8Array), '1');
  for (const key of ['a', 'b']) equal((await get(backend, key))?.createRevision, revision);
  equal(await get(backend, 'old'), undefined);
}

async function readsOwnWrites(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  const { revision, results } = await backend.transact({
    compare: [],
    success: [reading('a'), putting('a', '2'), reading('a'), { type: 'delete', key: bytes('b') }, reading('b')],
  });
  const values = results.map((result) =>
    result.type === 'range' ? result.kvs.map((kv) => `${text(kv.value)}@${revision - kv.modRevision}`).join() : '',
  );
  deepEqual(values, ['1@1', '', '2@0', '', '']);
}

async function writesNothing(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const revision = await revisionOf(backend);
  const request = { compare: [], success: [reading('a'), { type: 'delete', key: bytes('a') } as const] };
  equal((await backend.transact(request)).revision, revision);
  equal((await backend.transact({ compare: [], success: [] })).revision, revision);
  equal(await revisionOf(backend), revision);
}

async function nests(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await put(backend, 'a', '1');
  const base = await revisionOf(backend);
  const inner = (key: string): Operation => ({
    type: 'transaction',
    compare: [compare('a', '=', { target: 'value', value: bytes('1') })],
    success: [putting(key, 'yes')],
    failure: [putting(key, 'no'), reading('a')],
  });
  const { revision, succeeded, results } = await backend.transact({
    compare: [],
    success: [inner('b'), { type: 'transaction', compare: [], success: [inner('c')] }],
  });
  deepEqual([revision, succeeded], [base + 1n, true]);
  const [first, second] = results;
  equal(first?.type === 'transaction' && first.succeeded, true);
  equal(second?.type === 'transaction' && second.results[0]?.type === 'transaction', true);
  for (const key of ['b', 'c']) {
    const found = await get(backend, key);
    deepEqual([text(found?.value as Uint8Array), found?.modRevision], ['yes', revision]);
  }
}

async function limitsOperations(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const puts = (count: number): Operation[] => Array.from({ length: count }, (_, index) => putting(`k${index}`));
  const conditions = (count: number): Compare[] =>
    Array.from({ length: count }, () => compare('k', '=', { target: 'version', version: 0n }));
  equal((await backend.transact({ compare: conditions(128), success: puts(128) })).results.length, 128);
  const base = await revisionOf(backend);
  await rejectsWith(backend.transact({ compare: [], success: puts(129) }), 'invalidArgument');
  await rejectsWith(backend.transact({ compare: [], success: [], failure: puts(129) }), 'invalidArgument');
  await rejectsWith(backend.transact({ compare: conditions(129), success: [] }), 'invalidArgument');
  const nested: Operation = { type: 'transaction', compare: [], success: puts(129) };
  await rejectsWith(backend.transact({ compare: [], success: [nested] }), 'invalidArgument');
  equal(await revisionOf(backend), base);
}

async function refusesDuplicates(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const refused = async (...success: readonly Operation[]): Promise<void> => {
    await rejectsWith(backend.transact({ compare: [], success }), 'invalidArgument');
    await rejectsWith(backend.transact({ compare: [], success: [], failure: success }), 'invalidArgument');
  };
  const nested = (...success: readonly Operation[]): Operation => ({ type: 'transaction', compare: [], success });
  await refused(putting('a', '1'), putting('a', '2'));
  await refused(putting('a'), { type: 'delete', key: bytes('a') });
  await refused({ type: 'delete', ...prefixRange(bytes('a')) }, putting('ab'));
  await refused(nested(putting('a')), putting('a'));
  await refused(nested(putting('a')), nested(putting('a')));
  await refused(nested({ type: 'delete', ...prefixRange(bytes('a')) }), putting('a'));
  const either: Operation = { type: 'transaction', compare: [], success: [putting('a')], failure: [putting('a')] };
  await backend.transact({ compare: [], success: [either, putting('b')], failure: [putting('a'), putting('b')] });
  const twice = { type: 'delete', ...everything } as const;
  const { results } = await backend.transact({ compare: [], success: [twice, twice] });
  deepEqual(
    results.map((result) => result.type === 'delete' && result.deleted),
    [2, 0],
  );
}

async function isAtomic(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const base = await revisionOf(backend);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await backend.revokeLease(leaseId);
  const leased: Operation = { type: 'put', key: bytes('b'), value: bytes('1'), leaseId };
  await rejectsWith(backend.transact({ compare: [], success: [putting('a'), leased] }), 'leaseNotFound');
  const kept: Operation = { type: 'put', key: bytes('b'), keepValue: true };
  await rejectsWith(backend.transact({ compare: [], success: [putting('a'), kept] }), 'keyNotFound');
  const future: Operation = { type: 'range', key: bytes('a'), revision: base + 9n };
  await rejectsWith(backend.transact({ compare: [], success: [putting('a'), future] }), 'futureRevision');
  equal((await backend.range(everything)).count, 0);
  equal(await revisionOf(backend), base);
}

async function oneWins(harness: ComplianceHarness): Promise<void> {
  const [first, second] = [await emptied(harness), await harness.open()];
  const absent = compare('a', '=', { target: 'createRevision', createRevision: 0n });
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? first : second).transact({ compare: [absent], success: [putting('a', String(index))] }),
    ),
  );
  const winners = outcomes.flatMap((outcome, index) => (outcome.succeeded ? [String(index)] : []));
  deepEqual(winners, [text((await get(first, 'a'))?.value as Uint8Array)]);
}

async function readsThePast(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { revision } = await put(backend, 'a', '1');
  await put(backend, 'b', '1');
  const past: Operation = { type: 'range', ...everything, revision };
  const { results } = await backend.transact({ compare: [], success: [putting('a', '2'), past] });
  equal(results[1]?.type === 'range' && keysOf(results[1].kvs).join(), 'a');
}
