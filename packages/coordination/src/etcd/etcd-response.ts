import type {
  IDeleteRangeResponse,
  IEvent,
  IKeyValue,
  IPutResponse,
  IRangeResponse,
  IResponseOp,
  ITxnResponse,
} from 'etcd3';
import type { KeyValue } from '../backend/key-value.ts';
import type {
  DeleteResult,
  OperationResult,
  PutResult,
  RangeResult,
  TransactionResult,
} from '../backend/transaction.ts';
import type { WatchEvent } from '../backend/watch.ts';

/** The result of a range read. */
export function rangeResult(response: IRangeResponse): RangeResult {
  return {
    revision: BigInt(response.header.revision),
    kvs: response.kvs.map(keyValue),
    more: response.more,
    count: Number(response.count),
  };
}

/** The result of a put. */
export function putResult(response: IPutResponse): PutResult {
  const previous = response.prev_kv as IKeyValue | null;
  const revision = BigInt(response.header.revision);
  return previous === null ? { revision } : { revision, previous: keyValue(previous) };
}

/** The result of a delete. */
export function deleteResult(response: IDeleteRangeResponse): DeleteResult {
  return {
    revision: BigInt(response.header.revision),
    deleted: Number(response.deleted),
    previous: response.prev_kvs.map(keyValue),
  };
}

/** The result of a transaction. */
export function transactionResult(response: ITxnResponse): TransactionResult {
  const revision = BigInt(response.header.revision);
  return {
    revision,
    succeeded: response.succeeded,
    results: response.responses.map((each) => operationResult(each, revision)),
  };
}

/** A change that a watch saw. */
export function watchEvent(event: IEvent): WatchEvent {
  const previous = event.prev_kv as IKeyValue | null;
  const kv = keyValue(event.kv);
  const type = event.type === 'Delete' ? 'delete' : 'put';
  return previous === null ? { type, kv } : { type, kv, previous: keyValue(previous) };
}

/** What every answer inside a transaction has, as far as etcd fills it in. */
type Headed = { readonly header: ITxnResponse['header'] | null };

/** The result of an operation inside a transaction; where etcd leaves its revision out the transaction's goes for it. */
function operationResult(response: IResponseOp, revision: bigint): OperationResult {
  const withRevision = <Answer extends Headed>(
    answer: Answer,
  ): Answer & { readonly header: ITxnResponse['header'] } => {
    const own = BigInt(answer.header?.revision ?? 0);
    return { ...answer, header: { revision: (own === 0n ? revision : own).toString() } as ITxnResponse['header'] };
  };
  const kind = (response as unknown as { readonly response: keyof IResponseOp }).response;
  switch (kind) {
    case 'response_range':
      return { type: 'range', ...rangeResult(withRevision(response.response_range)) };
    case 'response_put':
      return { type: 'put', ...putResult(withRevision(response.response_put)) };
    case 'response_delete_range':
      return { type: 'delete', ...deleteResult(withRevision(response.response_delete_range)) };
    case 'response_txn':
      return { type: 'transaction', ...transactionResult(withRevision(response.response_txn)) };
  }
}

function keyValue(kv: IKeyValue): KeyValue {
  return {
    key: ownBytes(kv.key),
    value: ownBytes(kv.value),
    createRevision: BigInt(kv.create_revision),
    modRevision: BigInt(kv.mod_revision),
    version: BigInt(kv.version),
    leaseId: BigInt(kv.lease),
  };
}

/** A plain copy: a Buffer from the wire shares memory with the whole message. */
function ownBytes(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}
