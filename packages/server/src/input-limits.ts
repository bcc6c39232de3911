import { flotillapb, type kvrpcpb, type metapb } from '@flotilla/protocol';
import type { ServerConfig } from './config.ts';
import { RequestError } from './request-error.ts';

/** A request's context of which every part that routing needs is there. */
export interface RequiredContext {
  readonly regionId: number;
  readonly regionEpoch: metapb.RegionEpoch;
  readonly peer: metapb.Peer;
  readonly term: number;
  readonly replicaRead: boolean;
}

/** @throws {RequestError} with code `invalidArgument` when the context, its peer or its epoch is missing. */
export function requireContext(context: kvrpcpb.Context | undefined): RequiredContext {
  if (context === undefined) throw new RequestError('invalidArgument', 'context: missing');
  const { regionId, regionEpoch, peer, term, replicaRead } = context;
  if (regionId === 0) throw new RequestError('invalidArgument', 'context.region_id: missing');
  if (regionEpoch === undefined) throw new RequestError('invalidArgument', 'context.region_epoch: missing');
  if (peer === undefined) throw new RequestError('invalidArgument', 'context.peer: missing');
  return { regionId, regionEpoch, peer, term, replicaRead };
}

/** @throws {RequestError} with code `invalidArgument` for an empty key or one above the limit. */
export function checkKey(key: Uint8Array, config: ServerConfig, field = 'key'): void {
  if (key.length === 0) throw new RequestError('invalidArgument', `${field}: empty, at least 1 byte is needed`);
  checkSize(field, key, config.maxKeyBytes);
}

/** @throws {RequestError} with code `invalidArgument` for a value above the limit; an empty value is a value. */
export function checkValue(value: Uint8Array, config: ServerConfig, field = 'value'): void {
  checkSize(field, value, config.maxValueBytes);
}

/** @throws {RequestError} with code `invalidArgument` for the payload of a machine's call above the limit. */
export function checkPayload(payload: Uint8Array, config: ServerConfig): void {
  checkSize('payload', payload, config.maxValueBytes);
}

/** @throws {RequestError} with code `invalidArgument` for no or too many writes, and for the first that is out of its limits. */
export function checkBatch(writes: readonly flotillapb.RawWrite[], config: ServerConfig): void {
  const { length } = writes;
  if (length < 1 || length > config.maxBatchWrites) {
    throw new RequestError(
      'invalidArgument',
      `writes: ${length} writes, from 1 to ${config.maxBatchWrites} are allowed`,
    );
  }
  for (const [position, { op, key, value }] of writes.entries()) {
    const field = `writes[${position}]`;
    checkKey(key, config, `${field}.key`);
    checkValue(value, config, `${field}.value`);
    if (op !== flotillapb.RawWriteOp.Put && op !== flotillapb.RawWriteOp.Delete) {
      throw new RequestError(
        'invalidArgument',
        `${field}.op: ${String(op)} is no operation, 0 (put) or 1 (delete) is meant`,
      );
    }
    if (op === flotillapb.RawWriteOp.Delete && value.length > 0) {
      throw new RequestError('invalidArgument', `${field}.value: ${value.length} bytes, a delete has none`);
    }
  }
}

/** @throws {RequestError} with code `invalidArgument` for a start key or a number of pairs above its limit. */
export function checkScan(startKey: Uint8Array, limit: number, config: ServerConfig): void {
  // The successor of the longest key, with which a scan goes on, is one byte longer.
  checkSize('start_key', startKey, config.maxKeyBytes + 1);
  if (limit < 1 || limit > config.maxScanPairs) {
    throw new RequestError('invalidArgument', `limit: ${limit} pairs, from 1 to ${config.maxScanPairs} are allowed`);
  }
}

function checkSize(field: string, bytes: Uint8Array, limit: number): void {
  if (bytes.length > limit) {
    throw new RequestError('invalidArgument', `${field}: ${bytes.length} bytes, the limit is ${limit}`);
  }
}
