import { coordinationpb, type etcdserverpb } from '@flotilla/protocol';
import type { MachineBatch } from '@flotilla/raftstore';
import { MachineError } from './machine-error.ts';
import type { MvccStore } from './mvcc-store.ts';
import { headerOf } from './range-read.ts';
import { checkDelete, checkPut, checkTransaction } from './request-check.ts';
import { checkPutAgainst, planTransaction, runDelete, runPut, runTransaction } from './transaction-run.ts';
import { WriteTransaction } from './write-transaction.ts';

/** What a command is applied to. */
export interface CommandTarget {
  readonly store: MvccStore;
  readonly batch: MachineBatch;
  /** Of the log's entry. */
  readonly index: number;
}

/** Seconds of the longest lease. Source: etcd. */
export const maxLeaseTtlSeconds = 9_000_000_000n;

const { create } = coordinationpb.Answer;

/**
 * Applies a decoded command.
 *
 * @throws {MachineError} when it is refused; nothing has changed then.
 */
export function runCommand(target: CommandTarget, command: coordinationpb.Command): coordinationpb.Answer {
  const { put, deleteRange, txn, compact, leaseGrant, leaseRevoke, purge, expire, configure } = command;
  if (put !== undefined) return applyPut(target, put);
  if (deleteRange !== undefined) return applyDelete(target, deleteRange);
  if (txn !== undefined) return applyTransaction(target, txn);
  if (leaseGrant !== undefined) return applyGrant(target, leaseGrant);
  if (leaseRevoke !== undefined) return applyRevoke(target, leaseRevoke);
  if (compact !== undefined) return applyCompaction(target, compact);
  if (purge !== undefined) return applyPurge(target, purge);
  if (expire !== undefined) return applyExpire(target, expire);
  if (configure !== undefined) return applyConfigure(target, configure);
  throw new MachineError('Malformed');
}

function applyPut({ store, batch }: CommandTarget, request: etcdserverpb.PutRequest): coordinationpb.Answer {
  checkPut(request);
  checkPutAgainst(store, request, true);
  const write = new WriteTransaction(store, batch);
  const put = runPut(store, write, request);
  write.commit();
  return create({ put });
}

function applyDelete({ store, batch }: CommandTarget, request: etcdserverpb.DeleteRangeRequest): coordinationpb.Answer {
  checkDelete(request);
  const write = new WriteTransaction(store, batch);
  const deleteRange = runDelete(store, write, request);
  write.commit();
  return create({ deleteRange });
}

function applyTransaction({ store, batch }: CommandTarget, request: etcdserverpb.TxnRequest): coordinationpb.Answer {
  checkTransaction(request);
  const plan = planTransaction(store, request);
  const write = new WriteTransaction(store, batch);
  const txn = runTransaction(store, write, plan);
  write.commit();
  return create({ txn });
}

function applyGrant(
  { store, batch, index }: CommandTarget,
  request: etcdserverpb.LeaseGrantRequest,
): coordinationpb.Answer {
  const id = request.ID === 0n ? unusedLeaseId(store, index) : request.ID;
  if (request.TTL > maxLeaseTtlSeconds) throw new MachineError('LeaseTtlTooLarge');
  if (store.leases.get(id) !== undefined) throw new MachineError('LeaseExists');
  const ttlSeconds = Math.max(Number(request.TTL), store.minLeaseTtlSeconds);
  store.grantLease(id, ttlSeconds, index, batch);
  return create({ leaseGrant: { header: headerOf(store.revision), ID: id, TTL: BigInt(ttlSeconds), error: '' } });
}

/** An id from the entry's index, spread over the 63 bits so that ids chosen by callers are seldom in its way. */
function unusedLeaseId(store: MvccStore, index: number): bigint {
  const id = BigInt.asUintN(63, BigInt(index) * 0x5851_f42d_4c95_7f2dn);
  return id !== 0n && store.leases.get(id) === undefined ? id : unusedLeaseId(store, index + 1);
}

function applyRevoke({ store, batch }: CommandTarget, request: etcdserverpb.LeaseRevokeRequest): coordinationpb.Answer {
  if (store.leases.get(request.ID) === undefined) throw new MachineError('LeaseNotFound');
  const write = new WriteTransaction(store, batch);
  write.revoke(request.ID);
  write.commit();
  return create({ leaseRevoke: { header: headerOf(store.revision) } });
}

function applyExpire({ store, batch }: CommandTarget, request: coordinationpb.ExpireRequest): coordinationpb.Answer {
  const expired = request.leases.filter(({ id, grantIndex }) => store.leases.get(id)?.grantIndex === grantIndex);
  for (const { id } of expired) {
    const write = new WriteTransaction(store, batch);
    write.revoke(id);
    write.commit();
  }
  const leases = expired.map(({ id }) => id);
  return create({ expire: { header: headerOf(store.revision), leases } });
}

function applyCompaction(
  { store, batch }: CommandTarget,
  request: etcdserverpb.CompactionRequest,
): coordinationpb.Answer {
  if (request.revision > BigInt(store.revision)) throw new MachineError('FutureRevision');
  if (request.revision <= BigInt(store.compactRevision)) {
    throw new MachineError('Compacted', { revision: store.compactRevision });
  }
  store.compact(Number(request.revision), batch);
  return create({ compact: { header: headerOf(store.revision) } });
}

function applyPurge({ store, batch }: CommandTarget, request: coordinationpb.PurgeRequest): coordinationpb.Answer {
  const purged = store.purge(request.limit, batch);
  const more = store.purgeQueue.has(store.compactRevision);
  return create({ purge: { header: headerOf(store.revision), purged, more } });
}

function applyConfigure(
  { store, batch }: CommandTarget,
  request: coordinationpb.ConfigureRequest,
): coordinationpb.Answer {
  if (request.minLeaseTtl < 1n || request.minLeaseTtl > maxLeaseTtlSeconds) throw new MachineError('InvalidArgument');
  store.configure(Number(request.minLeaseTtl), batch);
  return create({ configure: { header: headerOf(store.revision) } });
}
