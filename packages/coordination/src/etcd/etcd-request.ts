import type {
  ICompare,
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
  IWatchCreateRequest,
} from 'etcd3';
import type { KeyRange } from '../backend/key-value.ts';
import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  SortTarget,
  TransactionRequest,
} from '../backend/transaction.ts';
import type { WatchRequest } from '../backend/watch.ts';

const sortTargets: Readonly<Record<SortTarget, number>> = {
  key: 0,
  version: 1,
  createRevision: 2,
  modRevision: 3,
  value: 4,
};
const ascending = 1;
const descending = 2;
const compareResults: Readonly<Record<Compare['result'], number>> = { '=': 0, '>': 1, '<': 2, '!=': 3 };
const filters = { put: 0, delete: 1 } as const;
/** etcd's range end for "to the end of the key space". */
const unbounded = Buffer.of(0);

/** The range read as etcd takes it. */
export function rangeRequest(request: RangeRequest): IRangeRequest {
  const { sort } = request;
  return {
    ...wireRange(request),
    revision: wireInteger(request.revision),
    limit: request.limit ?? 0,
    ...(sort === undefined
      ? {}
      : { sort_target: sortTargets[sort.by], sort_order: sort.order === 'ascending' ? ascending : descending }),
    serializable: request.serializable === true,
    keys_only: request.keysOnly === true,
    count_only: request.countOnly === true,
    min_mod_revision: wireInteger(request.minModRevision),
    max_mod_revision: wireInteger(request.maxModRevision),
    min_create_revision: wireInteger(request.minCreateRevision),
    max_create_revision: wireInteger(request.maxCreateRevision),
  };
}

/** The put as etcd takes it. */
export function putRequest(request: PutRequest): IPutRequest {
  return {
    key: wireBytes(request.key),
    value: wireBytes(request.value ?? empty),
    lease: wireInteger(request.leaseId),
    prev_kv: request.previous === true,
    ignore_value: request.keepValue === true,
    ignore_lease: request.keepLease === true,
  };
}

/** The delete as etcd takes it. */
export function deleteRequest(request: DeleteRequest): IDeleteRangeRequest {
  return { ...wireRange(request), prev_kv: request.previous === true };
}

/** The transaction as etcd takes it. */
export function transactionRequest(request: TransactionRequest): ITxnRequest {
  return {
    compare: request.compare.map(wireCompare),
    success: request.success.map(wireOperation),
    failure: (request.failure ?? []).map(wireOperation),
  };
}

/** The watch as etcd takes it, from `startRevision` on, or from now on. */
export function watchCreateRequest(request: WatchRequest, startRevision: bigint | undefined): IWatchCreateRequest {
  return {
    ...wireRange(request),
    start_revision: wireInteger(startRevision),
    prev_kv: request.previous === true,
    filters: request.ignore === undefined ? [] : [filters[request.ignore]],
    fragment: true,
  };
}

/** Whether the transaction writes nothing whichever way it goes. */
export function isReadOnly(request: TransactionRequest): boolean {
  return [...request.success, ...(request.failure ?? [])].every(
    (operation) => operation.type === 'range' || (operation.type === 'transaction' && isReadOnly(operation)),
  );
}

/** A 64-bit number as etcd3 takes it; 0 for none. */
export function wireInteger(value: bigint | undefined): string {
  return (value ?? 0n).toString();
}

const empty = new Uint8Array(0);

function wireBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * A range's key and end. A single zero byte as the end means "unbounded" to etcd; as our end it leaves room for no key at all,
 * and becomes a range that etcd finds empty.
 */
function wireRange({ key, end }: KeyRange): { readonly key: Buffer; readonly range_end?: Buffer } {
  // Left out: etcd takes an end that is there and empty for the end of the key space.
  if (end === undefined) return { key: wireBytes(key) };
  if (end.length === 0) return { key: wireBytes(key), range_end: unbounded };
  if (end.length > 1 || end[0] !== 0) return { key: wireBytes(key), range_end: wireBytes(end) };
  return key.length === 0
    ? { key: wireBytes(key), range_end: Buffer.of(1) }
    : { key: Buffer.of(1), range_end: Buffer.of(1) };
}

function wireCompare(compare: Compare): ICompare {
  const condition = { ...wireRange(compare), result: compareResults[compare.result] };
  switch (compare.target) {
    case 'version':
      return { ...condition, target: 0, version: wireInteger(compare.version) };
    case 'createRevision':
      return { ...condition, target: 1, create_revision: wireInteger(compare.createRevision) };
    case 'modRevision':
      return { ...condition, target: 2, mod_revision: wireInteger(compare.modRevision) };
    case 'value':
      return { ...condition, target: 3, value: wireBytes(compare.value) };
    case 'lease':
      return { ...condition, target: 4, lease: wireInteger(compare.leaseId) };
  }
}

function wireOperation(operation: Operation): IRequestOp {
  switch (operation.type) {
    case 'range':
      return { request_range: rangeRequest(operation) };
    case 'put':
      return { request_put: putRequest(operation) };
    case 'delete':
      return { request_delete_range: deleteRequest(operation) };
    case 'transaction':
      return { request_txn: transactionRequest(operation) };
  }
}
