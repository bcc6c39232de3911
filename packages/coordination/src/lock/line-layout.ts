import { type KeyRange, prefixRange } from '../backend/key-value.ts';

/**
 * The keys of those who stand in line for a name, as etcd's own recipes have them, so that theirs and ours stand in one line:
 *
 * - `<name>/<lease id in lower-case hex>`: who wants it alone. Source: etcd `client/v3/concurrency`, key.go and mutex.go.
 * - `<name>/r<lease id>`: who shares it with others of its kind, which etcd's recipes wait for as for any other.
 *
 * Keys further down, such as those of a lock named `<name>/part`, are of other lines.
 */
export type PlaceKind = 'exclusive' | 'shared';

const sharedMark = 'r';
const contenderPattern = /^(r?)[0-9a-f]+$/;

/** The key of one place in line. */
export function placeKey(name: string, leaseId: bigint, kind: PlaceKind): Uint8Array {
  return Buffer.from(`${name}/${kind === 'shared' ? sharedMark : ''}${leaseId.toString(16)}`);
}

/**
 * The keys that a place of `kind` has to wait for, as far as they are older: all of the line, or those who want it alone. Keys of
 * other lines may be among them; `isPlace` tells.
 */
export function rivalsOf(name: string, kind: PlaceKind): KeyRange & { readonly end: Uint8Array } {
  const { key, end } = prefixRange(Buffer.from(`${name}/`));
  if (kind === 'exclusive') return { key, end };
  // A lease id begins with a digit or a letter up to f.
  return { key: Buffer.from(`${name}/0`), end: Buffer.from(`${name}/g`) };
}

/** Whether a key is that of a place in the line for `name`. */
export function isPlace(name: string, key: Uint8Array): boolean {
  const text = Buffer.from(key).toString('latin1');
  const prefix = Buffer.from(`${name}/`).toString('latin1');
  return text.startsWith(prefix) && contenderPattern.test(text.slice(prefix.length));
}
