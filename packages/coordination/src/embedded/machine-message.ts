import { etcdserverpb, type mvccpb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { KeyRange, KeyValue } from '../backend/key-value.ts';
import type {
  Compare,
  DeleteRequest,
  DeleteResult,
  Operation,
  OperationResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TransactionRequest,
  TransactionResult,
} from '../backend/transaction.ts';

const {
  CompareCompareResult: CompareResult,
  CompareCompareTarget: CompareTarget,
  RangeRequestSortOrder: SortOrder,
  RangeRequestSortTarget: SortTarget,
} = etcdserverpb;

const nothing = new Uint8Array(0);
const zeroByte = Uint8Array.of(0);

const sortTargets = {
  key: SortTarget.KEY,
  version: SortTarget.VERSION,
  createRevision: SortTarget.CREATE,
  modRevision: SortTarget.MOD,
  value: SortTarget.VALUE,
} as const;

const compareResults = {
  '=': CompareResult.EQUAL,
  '!=': CompareResult.NOT_EQUAL,
  '<': CompareResult.LESS,
  '>': CompareResult.GREATER,
} as const;

/** Key and end as etcd's messages have them: no end for one key, a zero byte for the end of the key space. */
export function toWireRange({ key, end }: KeyRange): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  if (end === undefined) return { key, rangeEnd: nothing };
  if (end.length === 0) return { key, rangeEnd: zeroByte };
  // No key is below a zero byte, but on the wire it would be the end of the key space.
  if (end.length === 1 && end[0] === 0) return { key: Uint8Array.of(1), rangeEnd: Uint8Array.of(1) };
  return { key, rangeEnd: end };
}

/** A range read as etcd's message. */
export function toWireRangeRequest(request: RangeRequest): etcdserverpb.RangeRequest {
  const { sort } = request;
  const sortOrder = sort === undefined ? SortOrder.NONE : SortOrder[sort.order === 'ascending' ? 'ASCEND' : 'DESCEND'];
  return {
    ...toWireRange(request),
    limit: BigInt(request.limit ?? 0),
    revision: request.revision ?? 0n,
    sortOrder,
    sortTarget: sort === undefined ? SortTarget.KEY : sortTargets[sort.by],
    serializable: request.serializable ?? false,
    keysOnly: request.keysOnly ?? false,
    countOnly: request.countOnly ?? false,
    minModRevision: request.minModRevision ?? 0n,
    maxModRevision: request.maxModRevision ?? 0n,
    minCreateRevision: request.minCreateRevision ?? 0n,
    maxCreateRevision: request.maxCreateRevision ?? 0n,
  };
}

/** A put as etcd's message. @throws {BackendError} `invalidArgument` for a put without a value that keeps none. */
export function toWirePut(request: PutRequest): etcdserverpb.PutRequest {
  if (request.value === undefined && request.keepValue !== true) {
    throw new BackendError('invalidArgument', 'a put has no value');
  }
  return {
    key: request.key,
    value: request.value ?? nothing,
    lease: request.leaseId ?? 0n,
    prevKv: request.previous ?? false,
    ignoreValue: request.keepValue ?? false,
    ignoreLease: request.keepLease ?? false,
  };
}

/** A delete as etcd's message. */
export function toWireDelete(request: DeleteRequest): etcdserverpb.DeleteRangeRequest {
  return { ...toWireRange(request), prevKv: request.previous ?? false };
}

/** A transaction as etcd's message. @throws {BackendError} as `toWirePut` does. */
export function toWireTransaction(request: TransactionRequest): etcdserverpb.TxnRequest {
  return {
    compare: request.compare.map(toWireCompare),
    success: request.success.map(toWireOperation),
    failure: (request.failure ?? []).map(toWireOperation),
  };
}

/** Whether nothing in the transaction can write. */
export function isReadOnlyTransaction(request: TransactionRequest): boolean {
  return [...request.success, ...(request.failure ?? [])].every(
    (operation) => operation.type === 'range' || (operation.type === 'transaction' && isReadOnlyTransaction(operation)),
  );
}

function toWireOperation(operation: Operation): etcdserverpb.RequestOp {
  const { create } = etcdserverpb.RequestOp;
  switch (operation.type) {
    case 'range':
      return create({ requestRange: toWireRangeRequest(operation) });
    case 'put':
      return create({ requestPut: toWirePut(operation) });
    case 'delete':
      return create({ requestDeleteRange: toWireDelete(operation) });
    case 'transaction':
      return create({ requestTxn: toWireTransaction(operation) });
  }
}

function toWireCompare(compare: Compare): etcdserverpb.Compare {
  const common = { ...toWireRange(compare), result: compareResults[compare.result] };
  const { create } = etcdserverpb.Compare;
  switch (compare.target) {
    case 'version':
      return create({ ...common, target: CompareTarget.VERSION, version: compare.version });
    case 'createRevision':
      return create({ ...common, target: CompareTarget.CREATE, createRevision: compare.createRevision });
    case 'modRevision':
      return create({ ...common, target: CompareTarget.MOD, modRevision: compare.modRevision });
    case 'lease':
      return create({ ...common, target: CompareTarget.LEASE, lease: compare.leaseId });
    case 'value':
      return create({ ...common, target: CompareTarget.VALUE, value: compare.value });
  }
}

/** A key with its value, read from the wire; the caller's own. */
export function fromWireKeyValue(kv: mvccpb.KeyValue): KeyValue {
  return {
    key: plainBytes(kv.key),
    value: plainBytes(kv.value),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    leaseId: kv.lease,
  };
}

/** Not a Buffer, whose `slice` and equality are others than a Uint8Array's. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function revisionOf(header: etcdserverpb.ResponseHeader | undefined): bigint {
  return header?.revision ?? 0n;
}

/** What a range read found, from the wire. */
export function fromWireRange(response: etcdserverpb.RangeResponse): RangeResult {
  return {
    revision: revisionOf(response.header),
    kvs: response.kvs.map(fromWireKeyValue),
    more: response.more,
    count: Number(response.count),
  };
}

/** What a put did, from the wire. */
export function fromWirePut({ header, prevKv }: etcdserverpb.PutResponse): PutResult {
  return { revision: revisionOf(header), ...(prevKv === undefined ? {} : { previous: fromWireKeyValue(prevKv) }) };
}

/** What a delete did, from the wire. */
export function fromWireDelete(response: etcdserverpb.DeleteRangeResponse): DeleteResult {
  return {
    revision: revisionOf(response.header),
    deleted: Number(response.deleted),
    previous: response.prevKvs.map(fromWireKeyValue),
  };
}

/** What a transaction did, from the wire. */
export function fromWireTransaction(response: etcdserverpb.TxnResponse): TransactionResult {
  return {
    revision: revisionOf(response.header),
    succeeded: response.succeeded,
    results: response.responses.map(fromWireOperation),
  };
}

function fromWireOperation(response: etcdserverpb.ResponseOp): OperationResult {
  const { responseRange, responsePut, responseDeleteRange, responseTxn } = response;
  if (responseRange !== undefined) return { type: 'range', ...fromWireRange(responseRange) };
  if (responsePut !== undefined) return { type: 'put', ...fromWirePut(responsePut) };
  if (responseDeleteRange !== undefined) return { type: 'delete', ...fromWireDelete(responseDeleteRange) };
  assert(responseTxn !== undefined, 'an operation of a transaction has no response');
  return { type: 'transaction', ...fromWireTransaction(responseTxn) };
}
