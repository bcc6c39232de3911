import { etcdserverpb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { textOf, textRangeOf, type Version } from './key-index.ts';
import { MachineError } from './machine-error.ts';
import type { MvccStore } from './mvcc-store.ts';
import { checkReadRevision, headerOf, readRange } from './range-read.ts';
import type { WriteTransaction } from './write-transaction.ts';

const { CompareCompareResult: Result, CompareCompareTarget: Target } = etcdserverpb;

/** Which branch of a transaction is taken, and of those within it. */
export interface TransactionPlan {
  readonly succeeded: boolean;
  readonly operations: readonly PlannedOperation[];
}

/** An operation of the branch that is taken. */
export type PlannedOperation =
  | { readonly type: 'range'; readonly request: etcdserverpb.RangeRequest }
  | { readonly type: 'put'; readonly request: etcdserverpb.PutRequest }
  | { readonly type: 'delete'; readonly request: etcdserverpb.DeleteRangeRequest }
  | { readonly type: 'transaction'; readonly plan: TransactionPlan };

/**
 * Compares, for a checked transaction and all within it, with the store as it is before any of it is done, and makes sure that
 * nothing of what is to be done can be refused.
 *
 * @throws {MachineError} when it would be.
 */
export function planTransaction(store: MvccStore, request: etcdserverpb.TxnRequest): TransactionPlan {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const operations = succeeded ? request.success : request.failure;
  return { succeeded, operations: operations.map((operation) => planOperation(store, operation)) };
}

function planOperation(store: MvccStore, operation: etcdserverpb.RequestOp): PlannedOperation {
  const { requestRange, requestPut, requestDeleteRange, requestTxn } = operation;
  if (requestRange !== undefined) {
    checkReadRevision(store, requestRange.revision);
    return { type: 'range', request: requestRange };
  }
  if (requestPut !== undefined) {
    checkPutAgainst(store, requestPut);
    return { type: 'put', request: requestPut };
  }
  if (requestDeleteRange !== undefined) return { type: 'delete', request: requestDeleteRange };
  if (requestTxn !== undefined) return { type: 'transaction', plan: planTransaction(store, requestTxn) };
  throw new MachineError('InvalidArgument');
}

/**
 * Checks a put against the store. Where both are missing, the lease is named of a put that stands alone, and the key of one in a
 * transaction. Source: etcd.
 *
 * @throws {MachineError} when the put's lease is not there, or the key of which something is to be kept.
 */
export function checkPutAgainst(store: MvccStore, request: etcdserverpb.PutRequest, isAlone = false): void {
  const isKept = request.ignoreValue || request.ignoreLease;
  const lacksKey = isKept && store.index.get(textOf(request.key))?.live === undefined;
  const lacksLease = request.lease !== 0n && store.leases.get(request.lease) === undefined;
  if (lacksKey && !(isAlone && lacksLease)) throw new MachineError('KeyNotFound');
  if (lacksLease) throw new MachineError('LeaseNotFound');
}

/** Carries out a plan without writes. */
export function readTransaction(store: MvccStore, plan: TransactionPlan): etcdserverpb.TxnResponse {
  const { create } = etcdserverpb.ResponseOp;
  const responses = plan.operations.map((operation) => {
    assert(operation.type === 'range' || operation.type === 'transaction', 'a plan that only reads writes');
    return operation.type === 'range'
      ? create({ responseRange: readRange(store, operation.request, store.revision) })
      : create({ responseTxn: readTransaction(store, operation.plan) });
  });
  return { header: headerOf(store.revision), succeeded: plan.succeeded, responses };
}

/** Carries a plan out. */
export function runTransaction(
  store: MvccStore,
  write: WriteTransaction,
  plan: TransactionPlan,
): etcdserverpb.TxnResponse {
  const responses = plan.operations.map((operation) => runOperation(store, write, operation));
  return { header: headerOf(write.revision), succeeded: plan.succeeded, responses };
}

function runOperation(store: MvccStore, write: WriteTransaction, operation: PlannedOperation): etcdserverpb.ResponseOp {
  const { create } = etcdserverpb.ResponseOp;
  switch (operation.type) {
    case 'range':
      return create({ responseRange: readRange(store, operation.request, write.revision) });
    case 'put':
      return create({ responsePut: runPut(store, write, operation.request) });
    case 'delete':
      return create({ responseDeleteRange: runDelete(store, write, operation.request) });
    case 'transaction':
      return create({ responseTxn: runTransaction(store, write, operation.plan) });
  }
}

/** Carries out a put that was checked. */
export function runPut(
  store: MvccStore,
  write: WriteTransaction,
  request: etcdserverpb.PutRequest,
): etcdserverpb.PutResponse {
  const key = textOf(request.key);
  const current = store.index.get(key)?.live;
  const previous =
    current !== undefined && (request.prevKv || request.ignoreValue) ? store.keyValueOf(current) : undefined;
  const value = request.ignoreValue ? (previous?.value ?? request.value) : request.value;
  write.put(key, value, request.ignoreLease ? (current?.lease ?? 0n) : request.lease);
  return { header: headerOf(write.revision), prevKv: request.prevKv ? previous : undefined };
}

/** Carries out a delete. */
export function runDelete(
  store: MvccStore,
  write: WriteTransaction,
  request: etcdserverpb.DeleteRangeRequest,
): etcdserverpb.DeleteRangeResponse {
  const deleted = write.deleteRange(textRangeOf(request.key, request.rangeEnd));
  return {
    header: headerOf(write.revision),
    deleted: BigInt(deleted.length),
    prevKvs: request.prevKv ? deleted.map(({ version }) => store.keyValueOf(version)) : [],
  };
}

/** A comparison holds for a range when it holds for each key that is there; where none is, for one of zeros. */
function holds(store: MvccStore, compare: etcdserverpb.Compare): boolean {
  let isAnyThere = false;
  let isTrue = true;
  store.index.forEach(textRangeOf(compare.key, compare.rangeEnd), ({ live }) => {
    if (live === undefined) return;
    isAnyThere = true;
    isTrue &&= fits(compare.result, order(store, compare, live));
  });
  if (isAnyThere) return isTrue;
  // No bytes stand for a value that is not there: it neither equals nor differs.
  return compare.target !== Target.VALUE && fits(compare.result, order(store, compare, undefined));
}

/** Below, at or above 0, as what is there is smaller than, equal to or larger than what it is compared with. */
function order(store: MvccStore, compare: etcdserverpb.Compare, version: Version | undefined): number {
  switch (compare.target) {
    case Target.VERSION:
      return orderOf(BigInt(version?.version ?? 0), compare.version ?? 0n);
    case Target.CREATE:
      return orderOf(BigInt(version?.createRevision ?? 0), compare.createRevision ?? 0n);
    case Target.MOD:
      return orderOf(BigInt(version?.revision ?? 0), compare.modRevision ?? 0n);
    case Target.LEASE:
      return orderOf(version?.lease ?? 0n, compare.lease ?? 0n);
    case Target.VALUE: {
      const found = version === undefined ? new Uint8Array(0) : store.keyValueOf(version).value;
      return Buffer.compare(found, compare.value ?? new Uint8Array(0));
    }
  }
}

function orderOf(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function fits(result: etcdserverpb.CompareCompareResult, found: number): boolean {
  switch (result) {
    case Result.EQUAL:
      return found === 0;
    case Result.NOT_EQUAL:
      return found !== 0;
    case Result.GREATER:
      return found > 0;
    case Result.LESS:
      return found < 0;
  }
}
