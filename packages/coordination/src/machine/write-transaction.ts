import { mvccpb } from '@flotilla/protocol';
import type { MachineBatch } from '@flotilla/raftstore';
import { type KeyHistory, type KeyText, keyOf, type TextRange, type Version } from './key-index.ts';
import type { MvccStore } from './mvcc-store.ts';
import type { HistoryEvent } from './recent-history.ts';
import { revisionKey } from './record-key.ts';

/**
 * The changes of one revision. They show in the store as they are made, so whatever may refuse a command comes before the
 * first of them; nothing is taken back.
 */
export class WriteTransaction {
  readonly #store: MvccStore;
  readonly #batch: MachineBatch;
  readonly #events: HistoryEvent[] = [];
  readonly #writeRevision: number;

  constructor(store: MvccStore, batch: MachineBatch) {
    this.#store = store;
    this.#batch = batch;
    this.#writeRevision = store.revision + 1;
  }

  /** The store's revision as of now: the transaction's own once it has changed anything. */
  get revision(): number {
    return this.#events.length === 0 ? this.#store.revision : this.#writeRevision;
  }

  /** Writes a key and returns the change before, unless the key was not there. */
  put(key: KeyText, value: Uint8Array, lease: bigint): Version | undefined {
    const history = this.#store.index.getOrMake(key);
    const previous = history.isEmpty ? undefined : history.live;
    const createRevision = previous?.createRevision ?? this.#writeRevision;
    const version = (previous?.version ?? 0) + 1;
    const record = mvccpb.KeyValue.encode({
      key: keyOf(key),
      createRevision: BigInt(createRevision),
      modRevision: BigInt(this.#writeRevision),
      version: BigInt(version),
      value,
      lease,
    });
    this.#add(history, { createRevision, version, lease, record });
    return previous;
  }

  /** Deletes the keys of the range and returns them as they were. */
  deleteRange(range: TextRange): { readonly history: KeyHistory; readonly version: Version }[] {
    const found: { history: KeyHistory; version: Version }[] = [];
    this.#store.index.forEach(range, (history) => {
      const version = history.live;
      if (version !== undefined) found.push({ history, version });
    });
    for (const { history } of found) this.#delete(history);
    return found;
  }

  /** Ends a lease: deletes its keys, in byte order, and forgets it. */
  revoke(id: bigint): void {
    const keys = [...(this.#store.leases.get(id)?.keys ?? [])].sort();
    for (const key of keys) this.#delete(this.#store.index.getOrMake(key));
    this.#store.removeLease(id, this.#batch);
  }

  /** Ends the transaction: the store has its revision from now on, unless nothing has changed. */
  commit(): void {
    if (this.#events.length > 0) this.#store.commit(this.#writeRevision, this.#events);
  }

  #delete(history: KeyHistory): void {
    const record = mvccpb.KeyValue.encode(
      mvccpb.KeyValue.create({ key: keyOf(history.key), modRevision: BigInt(this.#writeRevision) }),
    );
    this.#add(history, { createRevision: 0, version: 0, lease: 0n, record });
  }

  #add(history: KeyHistory, change: Omit<Version, 'revision' | 'sub'>): void {
    const version: Version = { revision: this.#writeRevision, sub: this.#events.length, ...change };
    const previous = history.isEmpty ? undefined : history.last;
    if (previous !== undefined) this.#store.leases.detach(previous.lease, history.key);
    this.#store.leases.attach(version.lease, history.key);
    history.add(version);
    this.#store.purgeQueue.add(history, version, previous);
    this.#batch.put(revisionKey(version), version.record as Uint8Array);
    this.#events.push({ key: history.key, version, previous });
  }
}
