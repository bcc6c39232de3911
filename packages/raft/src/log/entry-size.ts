import type { Entry } from '../message.ts';

/** Bytes of the entry's `eraftpb.Entry` encoding: what limits on message and apply sizes count. */
export function entrySize(entry: Entry): number {
  const { length } = entry.data;
  const type = entry.type === 'normal' ? 0 : 2;
  const data = length === 0 ? 0 : 1 + varintSize(length) + length;
  return type + 1 + varintSize(entry.term) + 1 + varintSize(entry.index) + data;
}

/** Sizes of all `entries` together. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entrySize(entry);
  return size;
}

/** Bytes of what users put into `entries`; the unit of the in-flight and uncommitted limits. */
export function payloadSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.data.length;
  return size;
}

/** How many of `entries` fit in `maxBytes`, the first always. */
export function countWithin(entries: readonly Entry[], maxBytes: number): number {
  if (maxBytes === Number.POSITIVE_INFINITY) return entries.length;
  let size = 0;
  for (let count = 0; count < entries.length; count += 1) {
    size += entrySize(entries[count]!);
    if (size > maxBytes && count > 0) return count;
  }
  return entries.length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}
