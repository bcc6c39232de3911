// The byte layout of both databases of a store. Numbers are unsigned 64-bit, big-endian, so that byte order is their order.
//
//   key               bytes                                     database
//   database mark     01 00                                     both
//   prepare bootstrap 01 01                                     kv
//   store ident       01 02                                     kv
//   log entry         01 02 region 01 index                     raft
//   raft state        01 02 region 02                           raft
//   apply state       01 02 region 03                           kv
//   region state      01 03 region 01                           kv
//   data              column family, '_', key                   kv
import { assert } from '@flotilla/runtime';
import { prefixEnd } from './byte-order.ts';
import type { KeyRange } from './engine.ts';

const localPrefix = 0x01;
const regionRaftPrefix = 0x02;
const regionMetaPrefix = 0x03;
const entrySuffix = 0x01;
const raftStateSuffix = 0x02;
const applyStateSuffix = 0x03;
const regionStateSuffix = 0x01;
const regionKeyLength = 11;
const entryKeyLength = 19;

/** The column families of the kv database. */
export const columnFamilies = ['default', 'write', 'lock'] as const;
/** The name of a column family. */
export type ColumnFamily = (typeof columnFamilies)[number];

/** Whether `name` is a column family; an empty name on the wire means `default`, which is for the caller to settle. */
export function isColumnFamily(name: string): name is ColumnFamily {
  return (columnFamilies as readonly string[]).includes(name);
}

/** `01 00`: which database this is and in which format; shows that it is not a new one. */
export const databaseMarkKey: Uint8Array = Uint8Array.of(localPrefix, 0x00);
/** `01 01`: the region that a bootstrap under way proposes. */
export const prepareBootstrapKey: Uint8Array = Uint8Array.of(localPrefix, 0x01);
/** `01 02`: the store's cluster and id. */
export const storeIdentKey: Uint8Array = Uint8Array.of(localPrefix, 0x02);

/** `01 02 region 01 index`. */
export function logEntryKey(regionId: number, index: number): Uint8Array {
  const key = new Uint8Array(entryKeyLength);
  fillRegionKey(key, regionRaftPrefix, regionId, entrySuffix);
  writeUint64(key, regionKeyLength, index);
  return key;
}

/** `01 02 region 02`. */
export function raftStateKey(regionId: number): Uint8Array {
  return regionKey(regionRaftPrefix, regionId, raftStateSuffix);
}

/** `01 02 region 03`. */
export function applyStateKey(regionId: number): Uint8Array {
  return regionKey(regionRaftPrefix, regionId, applyStateSuffix);
}

/** `01 03 region 01`. */
export function regionStateKey(regionId: number): Uint8Array {
  return regionKey(regionMetaPrefix, regionId, regionStateSuffix);
}

/** The log entries of a region with indexes in [low, high); without `high` all from `low`. */
export function logEntryRange(regionId: number, low: number, high?: number): KeyRange {
  const end = high === undefined ? raftStateKey(regionId) : logEntryKey(regionId, high);
  return { start: logEntryKey(regionId, low), end };
}

/** Everything a region has under `01 02`: entries, raft state (raft database), apply state (kv database). */
export function regionRaftRange(regionId: number): KeyRange {
  const prefix = regionKey(regionRaftPrefix, regionId, 0).subarray(0, regionKeyLength - 1);
  return { start: prefix, end: prefixEnd(prefix) };
}

/** The raft keys of all regions. */
export const allRegionRaftRange: KeyRange = {
  start: Uint8Array.of(localPrefix, regionRaftPrefix, 0),
  end: Uint8Array.of(localPrefix, regionMetaPrefix),
};

/** The region states of all regions. */
export const allRegionStateRange: KeyRange = {
  start: Uint8Array.of(localPrefix, regionMetaPrefix),
  end: Uint8Array.of(localPrefix, regionMetaPrefix + 1),
};

/** What a key under `01 02` or `01 03` stands for; `undefined` for any other key. */
export type RegionKey =
  | { readonly type: 'logEntry'; readonly regionId: number; readonly index: number }
  | { readonly type: 'raftState' | 'applyState' | 'regionState'; readonly regionId: number };

/** The inverse of the key functions above; `undefined` when `key` is none of theirs. */
export function parseRegionKey(key: Uint8Array): RegionKey | undefined {
  if (key.length < regionKeyLength || key[0] !== localPrefix) return undefined;
  const regionId = readUint64(key, 2);
  const suffix = key[regionKeyLength - 1];
  if (regionId === undefined) return undefined;
  if (key[1] === regionRaftPrefix && suffix === entrySuffix && key.length === entryKeyLength) {
    const index = readUint64(key, regionKeyLength);
    return index === undefined ? undefined : { type: 'logEntry', regionId, index };
  }
  if (key.length !== regionKeyLength) return undefined;
  if (key[1] === regionMetaPrefix && suffix === regionStateSuffix) return { type: 'regionState', regionId };
  if (key[1] !== regionRaftPrefix) return undefined;
  if (suffix === raftStateSuffix) return { type: 'raftState', regionId };
  return suffix === applyStateSuffix ? { type: 'applyState', regionId } : undefined;
}

const dataPrefixes: Readonly<Record<ColumnFamily, Uint8Array>> = {
  default: new TextEncoder().encode('default_'),
  write: new TextEncoder().encode('write_'),
  lock: new TextEncoder().encode('lock_'),
};

/** `columnFamily _ key`: where a user's key lives in the kv database. */
export function dataKey(columnFamily: ColumnFamily, key: Uint8Array): Uint8Array {
  const prefix = dataPrefixes[columnFamily];
  const bytes = new Uint8Array(prefix.length + key.length);
  bytes.set(prefix);
  bytes.set(key, prefix.length);
  return bytes;
}

/** The user's key of a data key of `columnFamily`, as a view. */
export function userKey(columnFamily: ColumnFamily, key: Uint8Array): Uint8Array {
  return key.subarray(dataPrefixes[columnFamily].length);
}

/** The data keys of [start, end) in one column family; an empty `end` is the end of the family, not of the database. */
export function dataRange(columnFamily: ColumnFamily, start: Uint8Array, end: Uint8Array): KeyRange {
  const limit = end.length === 0 ? prefixEnd(dataPrefixes[columnFamily]) : dataKey(columnFamily, end);
  return { start: dataKey(columnFamily, start), end: limit };
}

function regionKey(prefix: number, regionId: number, suffix: number): Uint8Array {
  const key = new Uint8Array(regionKeyLength);
  fillRegionKey(key, prefix, regionId, suffix);
  return key;
}

function fillRegionKey(key: Uint8Array, prefix: number, regionId: number, suffix: number): void {
  key[0] = localPrefix;
  key[1] = prefix;
  writeUint64(key, 2, regionId);
  key[regionKeyLength - 1] = suffix;
}

/** Eight bytes, big-endian. Bit operations would cut at 32 bits, so the halves are split by division. */
function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'not an unsigned safe integer', { value });
  let high = Math.floor(value / 0x1_0000_0000);
  let low = value % 0x1_0000_0000;
  for (let position = 3; position >= 0; position -= 1) {
    bytes[offset + position] = high & 0xff;
    bytes[offset + position + 4] = low & 0xff;
    high >>>= 8;
    low >>>= 8;
  }
}

function readUint64(bytes: Uint8Array, offset: number): number | undefined {
  let value = 0;
  for (let position = offset; position < offset + 8; position += 1) value = value * 256 + (bytes[position] as number);
  return Number.isSafeInteger(value) ? value : undefined;
}
