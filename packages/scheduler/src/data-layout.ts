import { Buffer } from 'node:buffer';
import type { KeyRange } from '@flotilla/engine';
import type { Codec } from '@flotilla/protocol';

/**
 * Keys of the placement driver's database. Each begins with one ASCII letter; numbers are 8 bytes, big-endian, unsigned.
 *
 * | key | value |
 * |---|---|
 * | `v` | layout version |
 * | `i` | cluster id |
 * | `n` | first id that is not reserved yet |
 * | `t` | physical part, in ms, that every timestamp given out so far is below |
 * | `g` | garbage-collection safe point |
 * | `c` | metapb.Cluster; present once the cluster is bootstrapped |
 * | `s` + store id | metapb.Store |
 * | `r` + region id | metapb.Region as last reported with a new epoch |
 */
export const layoutKeys = {
  version: letter('v'),
  clusterId: letter('i'),
  nextId: letter('n'),
  timestampMark: letter('t'),
  gcSafePoint: letter('g'),
  cluster: letter('c'),
  store: (storeId: number): Uint8Array => Buffer.concat([letter('s'), encodeNumber(storeId)]),
  region: (regionId: number): Uint8Array => Buffer.concat([letter('r'), encodeNumber(regionId)]),
} as const;

/** Where the stores are. */
export const storeRange: KeyRange = { start: letter('s'), end: letter('t') };

/** Where the regions are. */
export const regionRange: KeyRange = { start: letter('r'), end: letter('s') };

/** The version of the layout that this code reads and writes. */
export const layoutVersion = 1;

/** Eight bytes, big-endian; `value` is a safe integer of at least 0. */
export function encodeNumber(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/**
 * Reads what `encodeNumber` wrote.
 *
 * @throws {SchedulerDataError} with code `schedulerDataCorrupted` when the bytes are not eight or the number is not a safe integer.
 */
export function decodeNumber(bytes: Uint8Array, what: string): number {
  if (bytes.length !== 8)
    throw new SchedulerDataError('schedulerDataCorrupted', `${what}: ${bytes.length} bytes instead of 8`);
  const value = Number(Buffer.from(bytes).readBigUInt64BE());
  if (!Number.isSafeInteger(value))
    throw new SchedulerDataError('schedulerDataCorrupted', `${what}: larger than 2^53 - 1`);
  return value;
}

/**
 * Reads a stored message.
 *
 * @throws {SchedulerDataError} with code `schedulerDataCorrupted` when the bytes are not that message.
 */
export function decodeStored<T>(codec: Codec<T>, bytes: Uint8Array, what: string): T {
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw new SchedulerDataError('schedulerDataCorrupted', `${what}: the stored bytes cannot be read`, {
      cause: error,
    });
  }
}

/** Data on disk that this code cannot go on from; nothing has been changed. */
export class SchedulerDataError extends Error {
  readonly code: 'formatVersionMismatch' | 'notASchedulerDatabase' | 'schedulerDataCorrupted';

  constructor(code: SchedulerDataError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchedulerDataError';
    this.code = code;
  }
}

function letter(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
