import { type etcdserverpb, Reader } from '@flotilla/protocol';
import { isInTextRange, type KeyText, type TextRange, textOf, textRangeOf } from './key-index.ts';
import { MachineError } from './machine-error.ts';

/** Bytes of the largest call. Source: etcd. */
export const maxRequestBytes = 1.5 * 1024 * 1024;
/** Operations, and comparisons, of one list of a transaction; what it holds counts against those within it. Source: etcd. */
export const maxTransactionOperations = 128;
/** Transactions within transactions. Decoding is recursive, and how deep it may go must not depend on a replica's stack. */
const maxTransactionDepth = 32;

/** @throws {MachineError} for an empty key, or an order that does not exist. */
export function checkRange(request: etcdserverpb.RangeRequest): void {
  if (request.key.length === 0) throw new MachineError('EmptyKey');
  if (request.sortOrder < 0 || request.sortOrder > 2 || request.sortTarget < 0 || request.sortTarget > 4) {
    throw new MachineError('InvalidArgument', { detail: 'the range is to be sorted in a way that does not exist' });
  }
}

/** @throws {MachineError} for an empty key, or a value or lease that is both given and kept. */
export function checkPut(request: etcdserverpb.PutRequest): void {
  if (request.key.length === 0) throw new MachineError('EmptyKey');
  if (request.ignoreValue && request.value.length > 0) throw new MachineError('ValueProvided');
  if (request.ignoreLease && request.lease !== 0n) throw new MachineError('LeaseProvided');
}

/** @throws {MachineError} for an empty key. */
export function checkDelete(request: etcdserverpb.DeleteRangeRequest): void {
  if (request.key.length === 0) throw new MachineError('EmptyKey');
}

/** Checks a transaction with all that is in it. @throws {MachineError} when it is wrong whatever the store holds. */
export function checkTransaction(request: etcdserverpb.TxnRequest): void {
  checkOperations(request, maxTransactionOperations);
  checkWrites(request.success);
  checkWrites(request.failure);
}

function checkOperations(request: etcdserverpb.TxnRequest, most: number): void {
  const { compare, success, failure } = request;
  const operations = Math.max(compare.length, success.length, failure.length);
  if (operations > most) throw new MachineError('TooManyOperations');
  for (const { key, result, target } of compare) {
    if (key.length === 0) throw new MachineError('EmptyKey');
    if (result < 0 || result > 3 || target < 0 || target > 4) {
      throw new MachineError('InvalidArgument', { detail: 'a comparison is of a kind that does not exist' });
    }
  }
  for (const operation of [...success, ...failure]) {
    if (operation.requestRange !== undefined) checkRange(operation.requestRange);
    else if (operation.requestPut !== undefined) checkPut(operation.requestPut);
    else if (operation.requestDeleteRange !== undefined) checkDelete(operation.requestDeleteRange);
    else if (operation.requestTxn !== undefined) checkOperations(operation.requestTxn, most - operations);
    else throw new MachineError('InvalidArgument', { detail: 'an operation of the transaction is empty' });
  }
}

/** What the operations of a list, and of the transactions among them, may write. */
interface Writes {
  readonly puts: Set<KeyText>;
  readonly deletes: TextRange[];
}

/**
 * Refuses lists that put a key twice, or put and delete it. Two branches may put the same key, since one of them is taken; a
 * transaction in the list may delete what one before it puts. Source: etcd.
 */
function checkWrites(operations: readonly etcdserverpb.RequestOp[]): Writes {
  const puts = new Set<KeyText>();
  const deletes: TextRange[] = [];
  for (const { requestDeleteRange: request } of operations) {
    if (request !== undefined) deletes.push(textRangeOf(request.key, request.rangeEnd));
  }
  const isWritten = (key: KeyText): boolean => puts.has(key) || deletes.some((range) => isInTextRange(key, range));
  for (const { requestTxn: request } of operations) {
    if (request === undefined) continue;
    const success = checkWrites(request.success);
    const failure = checkWrites(request.failure);
    const both = new Set([...success.puts, ...failure.puts]);
    for (const key of both) if (isWritten(key)) throw new MachineError('DuplicateKey');
    for (const key of both) puts.add(key);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const { requestPut: request } of operations) {
    if (request === undefined) continue;
    const key = textOf(request.key);
    if (isWritten(key)) throw new MachineError('DuplicateKey');
    puts.add(key);
  }
  return { puts, deletes };
}

/** Whether nothing in the transaction can write. */
export function isReadOnly(request: etcdserverpb.TxnRequest): boolean {
  return [...request.success, ...request.failure].every(
    ({ requestRange, requestTxn }) =>
      requestRange !== undefined || (requestTxn !== undefined && isReadOnly(requestTxn)),
  );
}

const transactionField = { command: 3, query: 2, branches: [2, 3], operation: 4 };

/**
 * Refuses a call, not yet decoded, whose transactions are nested too deep.
 *
 * @throws {MachineError} `TooManyOperations`, or `Malformed` for bytes that are no message.
 */
export function checkDepth(payload: Uint8Array, kind: 'command' | 'query'): void {
  const reader = Reader.create(payload);
  try {
    visitFields(reader, reader.len, [transactionField[kind]], () => checkTransactionDepth(reader, 1));
  } catch (error) {
    throw error instanceof MachineError ? error : new MachineError('Malformed');
  }
}

function checkTransactionDepth(reader: Reader, depth: number): void {
  if (depth > maxTransactionDepth) throw new MachineError('TooManyOperations');
  const end = readEnd(reader);
  visitFields(reader, end, transactionField.branches, () => {
    visitFields(reader, readEnd(reader), [transactionField.operation], () => checkTransactionDepth(reader, depth + 1));
  });
}

function readEnd(reader: Reader): number {
  const size = reader.uint32();
  return reader.pos + size;
}

/** Calls `visit`, which reads the field, for each of the length-delimited fields named, and skips the others. */
function visitFields(reader: Reader, end: number, fields: readonly number[], visit: () => void): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if ((tag & 7) === 2 && fields.includes(tag >>> 3)) visit();
    else reader.skipType(tag & 7);
  }
}
