import { coordinationpb, mvccpb } from '@flotilla/protocol';
import type { MachineBatch, MachineReader } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import { type KeyHistory, KeyIndex, keyOf, type Version } from './key-index.ts';
import { LeaseTable } from './lease-table.ts';
import { PurgeQueue } from './purge-queue.ts';
import { type HistoryEvent, RecentHistory } from './recent-history.ts';
import { leaseKey, revisionKey, stateKey } from './record-key.ts';

/** The revision of a store that nothing was written to. Source: etcd. */
export const initialRevision = 1;
/** Seconds of the shortest lease, until a leader has configured another. Source: etcd, with its default election timeout. */
export const initialMinLeaseTtlSeconds = 2;

/** What a store is made with. */
export interface MvccStoreOptions {
  readonly reader: MachineReader;
  /** Bytes of recent changes to keep in memory, about. */
  readonly recentBytes: number;
  readonly revision?: number;
  readonly compactRevision?: number;
  readonly minLeaseTtlSeconds?: number;
  readonly index?: KeyIndex;
  readonly purgeQueue?: PurgeQueue;
  readonly leases?: LeaseTable;
}

/**
 * The state of one replica: every key with its changes, in memory but for the values, which are records of the database.
 * Changed by applied commands alone, so that it is the same on every replica.
 */
export class MvccStore {
  readonly index: KeyIndex;
  readonly leases: LeaseTable;
  readonly purgeQueue: PurgeQueue;
  readonly recent: RecentHistory;
  readonly #reader: MachineReader;
  #revision: number;
  #compactRevision: number;
  #minLeaseTtlSeconds: number;

  constructor(options: MvccStoreOptions) {
    this.#reader = options.reader;
    this.#revision = options.revision ?? initialRevision;
    this.#compactRevision = options.compactRevision ?? 0;
    this.#minLeaseTtlSeconds = options.minLeaseTtlSeconds ?? initialMinLeaseTtlSeconds;
    this.index = options.index ?? new KeyIndex();
    this.purgeQueue = options.purgeQueue ?? new PurgeQueue();
    this.leases = options.leases ?? new LeaseTable();
    this.recent = new RecentHistory(this.#revision, options.recentBytes);
  }

  /** The revision of the last write. */
  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision that can be read; 0 before the first compaction. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  get minLeaseTtlSeconds(): number {
    return this.#minLeaseTtlSeconds;
  }

  /** The record of a change, from memory or the database. */
  recordOf(version: Version): Uint8Array {
    if (version.record !== undefined) return version.record;
    const record = this.#reader.getSync(revisionKey(version));
    assert(record !== undefined, 'a change has no record', { revision: version.revision, sub: version.sub });
    return record;
  }

  /** The key as a change left it. */
  keyValueOf(version: Version): mvccpb.KeyValue {
    return mvccpb.KeyValue.decode(this.recordOf(version));
  }

  /** The key as a change left it, without its value; the database is not read. */
  bareKeyValueOf(history: KeyHistory, version: Version): mvccpb.KeyValue {
    return {
      key: keyOf(history.key),
      createRevision: BigInt(version.createRevision),
      modRevision: BigInt(version.revision),
      version: BigInt(version.version),
      value: new Uint8Array(0),
      lease: version.lease,
    };
  }

  /** Takes in what a write has changed. */
  commit(revision: number, events: readonly HistoryEvent[]): void {
    this.#revision = revision;
    this.recent.push({ revision, events });
  }

  compact(revision: number, batch: MachineBatch): void {
    this.#compactRevision = revision;
    this.#writeState(batch);
  }

  configure(minLeaseTtlSeconds: number, batch: MachineBatch): void {
    this.#minLeaseTtlSeconds = minLeaseTtlSeconds;
    this.#writeState(batch);
  }

  /** Deletes up to `limit` records that no readable revision needs; returns how many. */
  purge(limit: number, batch: MachineBatch): number {
    for (let purged = 0; purged < limit; purged += 1) {
      const obsolete = this.purgeQueue.take(this.#compactRevision);
      if (obsolete === undefined) return purged;
      const { history, version } = obsolete;
      history.purge(version);
      if (history.isEmpty) this.index.remove(history);
      batch.delete(revisionKey(version));
    }
    return limit;
  }

  /** `index` is that of the log's entry. */
  grantLease(id: bigint, ttlSeconds: number, index: number, batch: MachineBatch): void {
    batch.put(leaseKey(id), coordinationpb.LeaseRecord.encode({ id, ttl: BigInt(ttlSeconds), grantIndex: index }));
    this.leases.add(id, ttlSeconds, index);
  }

  /** Forgets a lease, whose keys have been deleted. */
  removeLease(id: bigint, batch: MachineBatch): void {
    batch.delete(leaseKey(id));
    this.leases.remove(id);
  }

  #writeState(batch: MachineBatch): void {
    batch.put(
      stateKey,
      coordinationpb.MachineRecord.encode({
        compactRevision: BigInt(this.#compactRevision),
        minLeaseTtl: BigInt(this.#minLeaseTtlSeconds),
      }),
    );
  }
}
