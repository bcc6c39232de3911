import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { KeyRange, KeyValue } from '../backend/key-value.ts';

const pageKeys = 1_000;

/** All keys of a range at one revision. */
export interface PagedRange {
  readonly revision: bigint;
  readonly kvs: readonly KeyValue[];
}

/**
 * Reads a whole range at one revision, in pages, so that no answer grows with the number of keys.
 *
 * @throws {BackendError} `compacted` when a compaction overtook it; reading again helps.
 */
export async function readPagedRange(
  backend: CoordinationBackend,
  range: Required<KeyRange>,
  options: { readonly signal?: AbortSignal | undefined; readonly keysOnly?: boolean | undefined },
): Promise<PagedRange> {
  const { signal, keysOnly = false } = options;
  const first = await backend.range({ ...range, limit: pageKeys, keysOnly }, { signal });
  const kvs = [...first.kvs];
  for (let more = first.more; more; ) {
    const request = { key: keyAfter(kvs), end: range.end, limit: pageKeys, keysOnly, revision: first.revision };
    const page = await backend.range(request, { signal });
    kvs.push(...page.kvs);
    more = page.more;
  }
  return { revision: first.revision, kvs };
}

function keyAfter(kvs: readonly KeyValue[]): Uint8Array {
  const last = kvs[kvs.length - 1]?.key ?? new Uint8Array(0);
  const key = new Uint8Array(last.length + 1);
  key.set(last);
  return key;
}
