/** One key as it stands at a revision. Source: etcd's `mvccpb.KeyValue`. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The revision of the write that made the key, since it was last deleted. */
  readonly createRevision: bigint;
  /** The revision of the last write. */
  readonly modRevision: bigint;
  /** Writes since the key was made: 1 after the first. */
  readonly version: bigint;
  /** The lease whose end deletes the key; 0 for none. */
  readonly leaseId: bigint;
}

/**
 * One key, or a half-open range of them in byte order.
 *
 * Without `end`, `key` alone. With it, the keys from `key` up to but without `end`; an empty `end` is the end of the key space.
 */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly end?: Uint8Array | undefined;
}

/** The range of all keys that begin with `prefix`; of all keys for an empty one. */
export function prefixRange(prefix: Uint8Array): { readonly key: Uint8Array; readonly end: Uint8Array } {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] as number;
    if (byte === 0xff) continue;
    // Not `slice`: a Buffer's shares its memory.
    const end = Uint8Array.from(prefix.subarray(0, last + 1));
    end[last] = byte + 1;
    return { key: prefix, end };
  }
  return { key: prefix.length === 0 ? Uint8Array.of(0) : prefix, end: new Uint8Array(0) };
}

/** Whether `key` is in the range. */
export function isInRange(key: Uint8Array, range: KeyRange): boolean {
  if (range.end === undefined) return Buffer.compare(key, range.key) === 0;
  if (Buffer.compare(key, range.key) < 0) return false;
  return range.end.length === 0 || Buffer.compare(key, range.end) < 0;
}
