import { deepEqual, equal, ok } from 'node:assert/strict';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import {
  bytes,
  type ComplianceCase,
  type ComplianceHarness,
  emptied,
  eventually,
  everything,
  get,
  put,
  putting,
  rejectsWith,
  revisionOf,
  text,
  WatchReader,
} from './compliance-fixture.ts';

/** Leases. */
export const leaseCompliance: readonly ComplianceCase[] = [
  { name: 'grants leases, of its own ids or of ids that it is given', run: grants },
  { name: 'grants no less time than was asked for, and no revision', run: grantsTime },
  { name: 'refuses leases that make no sense', run: refusesGrants },
  { name: 'deletes the keys of a revoked lease in one revision', run: revokes },
  { name: 'does not raise the revision for the end of a lease without keys', run: revokesWithoutKeys },
  { name: 'knows nothing of a lease that is gone', run: forgetsLeases },
  { name: 'tells the time that is left and the keys', run: tellsStatus },
  { name: 'moves a key from lease to lease with its last put', run: movesKeys },
  { name: 'attaches keys in transactions', run: attachesInTransactions },
  { name: 'expires a lease that nobody keeps alive, and deletes its keys in one revision', run: expires },
  { name: 'keeps a lease for as long as it is kept alive', run: keepsAlive },
];

async function leased(backend: CoordinationBackend, leaseId: bigint, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await backend.put({ key: bytes(key), value: bytes(key), leaseId });
}

async function grants(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const own = await backend.grantLease({ ttlMs: 60_000 });
  ok(own.leaseId > 0n);
  // Wider than the numbers that a double holds.
  const leaseId = 0x7000_0000_0000_0001n;
  equal((await backend.grantLease({ ttlMs: 60_000, leaseId })).leaseId, leaseId);
  await rejectsWith(backend.grantLease({ ttlMs: 60_000, leaseId }), 'leaseExists');
  deepEqual(new Set(await backend.leases()), new Set([own.leaseId, leaseId]));
  await leased(backend, leaseId, 'a');
  equal((await get(backend, 'a'))?.leaseId, leaseId);
  await backend.revokeLease(leaseId);
  deepEqual(await backend.leases(), [own.leaseId]);
  await backend.grantLease({ ttlMs: 60_000, leaseId });
}

async function grantsTime(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const revision = await revisionOf(backend);
  for (const ttlMs of [1, 2500, 60_000]) {
    const granted = await backend.grantLease({ ttlMs });
    ok(granted.ttlMs >= ttlMs, `${granted.ttlMs} for ${ttlMs}`);
    equal(granted.revision, revision);
    const kept = await backend.keepLeaseAlive(granted.leaseId);
    equal(kept, granted.ttlMs);
  }
  equal(await revisionOf(backend), revision);
}

async function refusesGrants(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await rejectsWith(backend.grantLease({ ttlMs: 0 }), 'invalidArgument');
  await rejectsWith(backend.grantLease({ ttlMs: -1 }), 'invalidArgument');
  await rejectsWith(backend.grantLease({ ttlMs: Number.NaN }), 'invalidArgument');
  await rejectsWith(backend.grantLease({ ttlMs: 10_000_000_000_000 }), 'invalidArgument');
  await rejectsWith(backend.grantLease({ ttlMs: 60_000, leaseId: 0n }), 'invalidArgument');
  await rejectsWith(backend.grantLease({ ttlMs: 60_000, leaseId: -5n }), 'invalidArgument');
  deepEqual(await backend.leases(), []);
}

async function revokes(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await leased(backend, leaseId, 'a', 'b', 'c');
  await put(backend, 'd');
  const base = await revisionOf(backend);
  const reader = await new WatchReader(harness, backend.watch(everything)).stands();
  await backend.revokeLease(leaseId);
  equal(await revisionOf(backend), base + 1n);
  const events = await reader.take(3);
  deepEqual(new Set(events.map((event) => text(event.kv.key))), new Set(['a', 'b', 'c']));
  for (const event of events) deepEqual([event.type, event.kv.modRevision], ['delete', base + 1n]);
  await reader.watch.close();
  equal((await backend.range(everything)).count, 1);
}

async function revokesWithoutKeys(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId, revision } = await backend.grantLease({ ttlMs: 60_000 });
  await backend.revokeLease(leaseId);
  equal(await revisionOf(backend), revision);
}

async function forgetsLeases(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await backend.revokeLease(leaseId);
  await rejectsWith(backend.keepLeaseAlive(leaseId), 'leaseNotFound');
  await rejectsWith(backend.revokeLease(leaseId), 'leaseNotFound');
  await rejectsWith(backend.leaseStatus(leaseId), 'leaseNotFound');
  await rejectsWith(backend.put({ key: bytes('a'), value: bytes('1'), leaseId }), 'leaseNotFound');
}

async function tellsStatus(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await leased(backend, leaseId, 'b', 'a');
  const status = await backend.leaseStatus(leaseId, { keys: true });
  deepEqual([status.leaseId, status.grantedTtlMs], [leaseId, 60_000]);
  ok(status.remainingMs > 30_000 && status.remainingMs <= 60_000, String(status.remainingMs));
  deepEqual(status.keys.map(text).sort(), ['a', 'b']);
  deepEqual((await backend.leaseStatus(leaseId)).keys, []);
  await backend.delete({ key: bytes('a') });
  deepEqual((await backend.leaseStatus(leaseId, { keys: true })).keys.map(text), ['b']);
}

async function movesKeys(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const first = (await backend.grantLease({ ttlMs: 60_000 })).leaseId;
  const second = (await backend.grantLease({ ttlMs: 60_000 })).leaseId;
  await leased(backend, first, 'stays', 'moves', 'leaves');
  await leased(backend, second, 'moves');
  await put(backend, 'leaves', '2');
  deepEqual((await backend.leaseStatus(first, { keys: true })).keys.map(text), ['stays']);
  deepEqual((await backend.leaseStatus(second, { keys: true })).keys.map(text), ['moves']);
  await backend.revokeLease(first);
  equal(await get(backend, 'stays'), undefined);
  equal((await get(backend, 'moves'))?.leaseId, second);
  equal((await get(backend, 'leaves'))?.leaseId, 0n);
}

async function attachesInTransactions(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  const success = [{ type: 'put', key: bytes('a'), value: bytes('1'), leaseId } as const, putting('b')];
  await backend.transact({ compare: [], success });
  deepEqual((await backend.leaseStatus(leaseId, { keys: true })).keys.map(text), ['a']);
  await backend.transact({ compare: [], success: [putting('a', '2')] });
  await backend.revokeLease(leaseId);
  equal((await backend.range(everything)).count, 2);
}

async function expires(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId } = await backend.grantLease({ ttlMs: 1000 });
  await leased(backend, leaseId, 'a', 'b');
  const base = await revisionOf(backend);
  const reader = await new WatchReader(harness, backend.watch(everything)).stands();
  const gone = async (): Promise<boolean> => (await backend.range(everything)).count === 0;
  await eventually(harness, gone, 'the lease expires');
  const events = await reader.take(2);
  for (const event of events) deepEqual([event.type, event.kv.modRevision], ['delete', base + 1n]);
  await reader.watch.close();
  equal(await revisionOf(backend), base + 1n);
  await rejectsWith(backend.keepLeaseAlive(leaseId), 'leaseNotFound');
  deepEqual(await backend.leases(), []);
}

async function keepsAlive(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const { leaseId, ttlMs } = await backend.grantLease({ ttlMs: 1000 });
  await leased(backend, leaseId, 'a');
  for (let renewal = 0; renewal < 7; renewal += 1) {
    await harness.sleep(ttlMs / 4);
    equal(await backend.keepLeaseAlive(leaseId), ttlMs);
  }
  equal((await get(backend, 'a'))?.leaseId, leaseId);
}
