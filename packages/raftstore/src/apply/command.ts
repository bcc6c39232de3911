import { type ColumnFamily, dataKey, isColumnFamily, type WriteBatch } from '@flotilla/engine';
import { type errorpb, type metapb, raft_cmdpb } from '@flotilla/protocol';
import { unreachable } from '@flotilla/runtime';
import { isKeyInRegion } from '../region.ts';
import { invalidRequest, keyNotInRegion } from '../region-error.ts';

/** One operation of a command, in a form that a switch can exhaust. */
export type Operation =
  | { readonly type: 'get'; readonly family: ColumnFamily; readonly key: Uint8Array }
  | { readonly type: 'put'; readonly family: ColumnFamily; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly family: ColumnFamily; readonly key: Uint8Array }
  | { readonly type: 'snap' }
  | { readonly type: 'call'; readonly key: Uint8Array; readonly payload: Uint8Array; readonly isRead: boolean };

type WriteOperation = Extract<Operation, { type: 'put' | 'delete' }>;

/**
 * The operation that a request stands for; an empty column family is `default`. `undefined` when its payload is missing or
 * its type or column family is unknown.
 */
export function operationOf(request: raft_cmdpb.Request): Operation | undefined {
  const { CmdType } = raft_cmdpb;
  if (request.cmdType === CmdType.Snap) return { type: 'snap' };
  if (request.cmdType === CmdType.Call)
    return request.call === undefined ? undefined : { type: 'call', ...request.call };
  const payload = payloadOf(request);
  if (payload === undefined) return undefined;
  const family = payload.cf === '' ? 'default' : payload.cf;
  if (!isColumnFamily(family)) return undefined;
  const { key } = payload;
  if (request.cmdType === CmdType.Put && request.put !== undefined) {
    return { type: 'put', family, key, value: request.put.value };
  }
  if (request.cmdType === CmdType.Delete) return { type: 'delete', family, key };
  return request.cmdType === CmdType.Get ? { type: 'get', family, key } : undefined;
}

function payloadOf(request: raft_cmdpb.Request): { readonly cf: string; readonly key: Uint8Array } | undefined {
  const { CmdType } = raft_cmdpb;
  if (request.cmdType === CmdType.Put) return request.put;
  return request.cmdType === CmdType.Delete ? request.delete : request.get;
}

/**
 * Adds a command's writes to a batch, all of them or, when it cannot take effect in this region, none.
 * Returns its responses, or the error.
 */
export function applyWrites(
  request: raft_cmdpb.RaftCmdRequest,
  region: metapb.Region,
  batch: WriteBatch,
): raft_cmdpb.Response[] | errorpb.Error {
  const operations: WriteOperation[] = [];
  for (const [position, one] of request.requests.entries()) {
    const operation = operationOf(one);
    if (operation?.type !== 'put' && operation?.type !== 'delete') {
      return invalidRequest(`requests[${position}]`, 'a logged command holds puts and deletes only');
    }
    if (!isKeyInRegion(operation.key, region)) return keyNotInRegion(operation.key, region);
    operations.push(operation);
  }
  return operations.map((operation) => applyWrite(operation, batch));
}

function applyWrite(operation: WriteOperation, batch: WriteBatch): raft_cmdpb.Response {
  switch (operation.type) {
    case 'put':
      batch.put(dataKey(operation.family, operation.key), operation.value);
      return putResponse;
    case 'delete':
      batch.delete(dataKey(operation.family, operation.key));
      return deleteResponse;
    default:
      return unreachable(operation, 'operation');
  }
}

const putResponse = raft_cmdpb.Response.create({
  cmdType: raft_cmdpb.CmdType.Put,
  put: raft_cmdpb.PutResponse.create(),
});
const deleteResponse = raft_cmdpb.Response.create({
  cmdType: raft_cmdpb.CmdType.Delete,
  delete: raft_cmdpb.DeleteResponse.create(),
});
