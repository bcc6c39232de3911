import type { KeyRange, KeyValue } from './key-value.ts';

/** What to watch. */
export interface WatchRequest extends KeyRange {
  /**
   * The first revision of interest, of the past too unless compacted; what follows the call unless given. At the compacted revision
   * itself a backend may say `compacted`: etcd forgets its deletions.
   */
  readonly startRevision?: bigint | undefined;
  /** Brings each key as it was before the change, as far as that is not compacted. */
  readonly previous?: boolean | undefined;
  /** Leaves out puts, or deletes. */
  readonly ignore?: 'put' | 'delete' | undefined;
}

/** One change of one key. Of a deleted key, `kv` has key and `modRevision` alone. */
export interface WatchEvent {
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
  readonly previous?: KeyValue | undefined;
}

/** What a watch yields. */
export type WatchUpdate =
  /** All changes of interest up to `revision`, in revision order, none twice; a revision is never cut in two. */
  | { readonly type: 'events'; readonly revision: bigint; readonly events: readonly WatchEvent[] }
  /** There is nothing of interest up to `revision` but what was yielded before. The first update is one: the watch stands. */
  | { readonly type: 'progress'; readonly revision: bigint }
  /** What was to follow is compacted up to `compactRevision`, and lost. The watch ends; whoever goes on reads the range first. */
  | { readonly type: 'compacted'; readonly compactRevision: bigint };

/**
 * A watch. Read by one reader; what it does not fetch waits on the server or is read again, and no memory grows meanwhile.
 * It outlives broken connections and changes of leader by itself. Ends with `return`, `close` or the caller's signal, silently,
 * and after `compacted`. Rejects with a `BackendError` that time cannot heal, such as a refused password.
 */
export interface Watch extends AsyncIterableIterator<WatchUpdate>, AsyncDisposable {
  /** Asks for a `progress` update soon, with a revision of at least the one that is current now. */
  requestProgress(): void;
  close(): Promise<void>;
}
