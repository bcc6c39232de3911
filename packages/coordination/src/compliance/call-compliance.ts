import { deepEqual, equal, ok } from 'node:assert/strict';
import type { CallOptions, CoordinationBackend } from '../backend/coordination-backend.ts';
import {
  bytes,
  type ComplianceCase,
  type ComplianceHarness,
  emptied,
  everything,
  get,
  put,
  putting,
  rejectsWith,
  revisionOf,
  WatchReader,
} from './compliance-fixture.ts';

/** What holds for every call, and for the backend as a whole. */
export const callCompliance: readonly ComplianceCase[] = [
  { name: 'answers a ping, and says what and where it is', run: pings },
  { name: 'rejects with cancelled, and does nothing, when the signal has aborted before', run: honoursSignal },
  { name: 'lets go of the signal of a call that is over', run: letsGoOfSignal },
  { name: 'shares one store between backends', run: shares },
  { name: 'rejects every call with closed after close, which may be called twice', run: rejectsAfterClose },
  { name: 'ends its watches when it is closed', run: endsWatches },
  { name: 'leaves leases and keys to the store when it is closed', run: leavesLeases },
];

/** Every kind of call, each against a store without keys. */
function everyCall(backend: CoordinationBackend, options: CallOptions): readonly (() => Promise<unknown>)[] {
  const a = bytes('a');
  return [
    () => backend.range({ key: a }, options),
    () => backend.put({ key: a, value: a }, options),
    () => backend.delete({ key: a }, options),
    () => backend.transact({ compare: [], success: [putting('a')] }, options),
    () => backend.compact(1n, options),
    () => backend.grantLease({ ttlMs: 60_000 }, options),
    () => backend.keepLeaseAlive(1n, options),
    () => backend.revokeLease(1n, options),
    () => backend.leaseStatus(1n, options),
    () => backend.leases(options),
    () => backend.ping(options),
  ];
}

async function pings(harness: ComplianceHarness): Promise<void> {
  const backend = await harness.open();
  await backend.ping();
  ok(backend.name.length > 0);
  ok(['etcd', 'cluster', 'here'].includes(backend.location.type));
}

async function honoursSignal(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const base = await revisionOf(backend);
  const signal = AbortSignal.abort(new Error('no more'));
  for (const call of everyCall(backend, { signal })) await rejectsWith(call(), 'cancelled');
  equal(await revisionOf(backend), base);
  deepEqual(await backend.leases(), []);
}

async function letsGoOfSignal(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  const controller = new AbortController();
  const { revision } = await backend.put({ key: bytes('a'), value: bytes('1') }, { signal: controller.signal });
  controller.abort();
  equal((await get(backend, 'a'))?.modRevision, revision);
}

async function shares(harness: ComplianceHarness): Promise<void> {
  const [first, second] = [await emptied(harness), await harness.open()];
  const { leaseId } = await first.grantLease({ ttlMs: 60_000 });
  await first.put({ key: bytes('a'), value: bytes('1'), leaseId });
  equal((await get(second, 'a'))?.leaseId, leaseId);
  await second.keepLeaseAlive(leaseId);
  await second.revokeLease(leaseId);
  equal(await get(first, 'a'), undefined);
}

async function rejectsAfterClose(harness: ComplianceHarness): Promise<void> {
  const backend = await emptied(harness);
  await backend.close();
  await backend.close();
  for (const call of everyCall(backend, {})) await rejectsWith(call(), 'closed');
  equal((await backend.watch(everything).next()).done, true);
}

async function endsWatches(harness: ComplianceHarness): Promise<void> {
  const [backend, other] = [await emptied(harness), await harness.open()];
  const reader = await new WatchReader(harness, backend.watch(everything)).stands();
  const theirs = await new WatchReader(harness, other.watch(everything)).stands();
  const waiting = reader.next();
  await backend.close();
  equal(await waiting, undefined);
  await put(other, 'a');
  equal((await theirs.take(1)).length, 1);
  await theirs.watch.close();
}

async function leavesLeases(harness: ComplianceHarness): Promise<void> {
  const [backend, other] = [await emptied(harness), await harness.open()];
  const { leaseId } = await backend.grantLease({ ttlMs: 60_000 });
  await backend.put({ key: bytes('a'), value: bytes('1'), leaseId });
  await backend.close();
  deepEqual(await other.leases(), [leaseId]);
  equal((await get(other, 'a'))?.leaseId, leaseId);
}
