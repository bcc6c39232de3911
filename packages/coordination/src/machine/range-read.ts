import { etcdserverpb, type mvccpb } from '@flotilla/protocol';
import { type KeyHistory, textRangeOf, type Version } from './key-index.ts';
import { MachineError } from './machine-error.ts';
import type { MvccStore } from './mvcc-store.ts';

/** One key of a range, at the revision that is read. */
export interface FoundKey {
  readonly history: KeyHistory;
  readonly version: Version;
}

const { RangeRequestSortOrder: SortOrder, RangeRequestSortTarget: SortTarget } = etcdserverpb;

/** A response's header. What else etcd has in it is for whoever speaks etcd's API. */
export function headerOf(revision: number): etcdserverpb.ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision: BigInt(revision), raftTerm: 0n };
}

/** @throws {MachineError} when the store cannot be read at the revision; 0 and below are the latest. */
export function checkReadRevision(store: MvccStore, asked: bigint): void {
  if (asked <= 0n) return;
  if (asked > BigInt(store.revision)) throw new MachineError('FutureRevision');
  if (asked < BigInt(store.compactRevision)) throw new MachineError('Compacted', { revision: store.compactRevision });
}

/**
 * Answers a checked range request. `revision` is the store's, for the header.
 *
 * @throws {MachineError} as `checkReadRevision` does.
 */
export function readRange(
  store: MvccStore,
  request: etcdserverpb.RangeRequest,
  revision: number,
): etcdserverpb.RangeResponse {
  checkReadRevision(store, request.revision);
  const at = request.revision > 0n ? Number(request.revision) : Number.POSITIVE_INFINITY;
  const found: FoundKey[] = [];
  const limit = limitOf(request);
  // In key order and without filters, what is beyond the limit is only counted.
  const kept = isSorted(request) || isFiltered(request) || request.countOnly ? Number.POSITIVE_INFINITY : limit;
  let count = 0;
  store.index.forEach(textRangeOf(request.key, request.rangeEnd), (history) => {
    const version = at === Number.POSITIVE_INFINITY ? history.last : history.at(at);
    if (version === undefined || version.version === 0) return;
    count += 1;
    if (!request.countOnly && found.length <= kept) found.push({ history, version });
  });
  const left = isFiltered(request) ? found.filter(({ version }) => passes(version, request)) : found;
  if (isSorted(request)) sortFound(store, left, request);
  return {
    header: headerOf(revision),
    kvs: left.slice(0, limit).map((key) => render(store, key, request.keysOnly)),
    more: left.length > limit,
    count: BigInt(count),
  };
}

function render(store: MvccStore, { history, version }: FoundKey, keysOnly: boolean): mvccpb.KeyValue {
  return keysOnly ? store.bareKeyValueOf(history, version) : store.keyValueOf(version);
}

function limitOf(request: etcdserverpb.RangeRequest): number {
  return request.limit > 0n ? Number(request.limit) : Number.POSITIVE_INFINITY;
}

/** In any order but that of the keys. */
function isSorted({ sortOrder, sortTarget }: etcdserverpb.RangeRequest): boolean {
  return sortTarget !== SortTarget.KEY || sortOrder === SortOrder.DESCEND;
}

function isFiltered(request: etcdserverpb.RangeRequest): boolean {
  return (
    request.minModRevision !== 0n ||
    request.maxModRevision !== 0n ||
    request.minCreateRevision !== 0n ||
    request.maxCreateRevision !== 0n
  );
}

function passes(version: Version, request: etcdserverpb.RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    (minModRevision === 0n || version.revision >= minModRevision) &&
    (maxModRevision === 0n || version.revision <= maxModRevision) &&
    (minCreateRevision === 0n || version.createRevision >= minCreateRevision) &&
    (maxCreateRevision === 0n || version.createRevision <= maxCreateRevision)
  );
}

/** Sorts in place; what is equal stays in key order, whichever way it is sorted. */
function sortFound(store: MvccStore, found: FoundKey[], request: etcdserverpb.RangeRequest): void {
  const sign = request.sortOrder === SortOrder.DESCEND ? -1 : 1;
  if (request.sortTarget === SortTarget.KEY) {
    found.reverse();
  } else if (request.sortTarget === SortTarget.VALUE) {
    const values = new Map(found.map((key) => [key, store.keyValueOf(key.version).value]));
    found.sort((left, right) => sign * Buffer.compare(values.get(left) as Uint8Array, values.get(right) as Uint8Array));
  } else {
    const numberOf = sortNumber(request.sortTarget);
    found.sort((left, right) => sign * (numberOf(left.version) - numberOf(right.version)));
  }
}

function sortNumber(target: etcdserverpb.RangeRequestSortTarget): (version: Version) => number {
  if (target === SortTarget.VERSION) return (version) => version.version;
  if (target === SortTarget.CREATE) return (version) => version.createRevision;
  return (version) => version.revision;
}
