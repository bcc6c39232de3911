import { raft_serverpb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { CorruptedRecordError, type RecordDamage } from './corrupted-record-error.ts';
import type { Engine, WriteBatch } from './engine.ts';
import { logEntryKey, logEntryRange, parseRegionKey, raftStateKey, regionRaftRange } from './key-layout.ts';
import { openRecord, sealRecord } from './raft-record.ts';

/** Deletes of log garbage collection that go into one batch. */
const deleteBatchSize = 4096;

/** What `verifyRegion` found in a region's log. */
export interface RaftLogExtent {
  readonly state: raft_serverpb.RaftLocalState | undefined;
  /** Index of the first entry; `lastIndex + 1` of an empty log. */
  readonly firstIndex: number;
  /** Index of the last entry, as the raft state says too; 0 without a raft state. */
  readonly lastIndex: number;
}

/**
 * Raft logs and raft states of all regions of a store, over its raft database. Payloads of entries are opaque bytes,
 * encoded once by the caller. Every read checks its record; one that is damaged or missing is an error, never an answer.
 *
 * Writes are added to a batch of the caller, who decides when it is written and synced.
 */
export class RaftLogStore {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /**
   * Adds entries from `firstIndex` on, replacing what was there: entries that the log has beyond them, up to
   * `previousLastIndex`, are deleted in the same batch, so that an overwritten tail cannot come back.
   */
  appendEntries(
    batch: WriteBatch,
    regionId: number,
    firstIndex: number,
    payloads: readonly Uint8Array[],
    previousLastIndex: number,
  ): void {
    let index = firstIndex;
    for (const payload of payloads) {
      const key = logEntryKey(regionId, index);
      batch.put(key, sealRecord(key, payload));
      index += 1;
    }
    for (; index <= previousLastIndex; index += 1) batch.delete(logEntryKey(regionId, index));
  }

  /** Adds the region's raft state. */
  putState(batch: WriteBatch, regionId: number, state: raft_serverpb.RaftLocalState): void {
    const key = raftStateKey(regionId);
    batch.put(key, sealRecord(key, raft_serverpb.RaftLocalState.encode(state)));
  }

  /** The region's raft state; `undefined` when it has none. @throws {CorruptedRecordError} */
  stateSync(regionId: number): raft_serverpb.RaftLocalState | undefined {
    const key = raftStateKey(regionId);
    const record = this.engine.getSync(key);
    if (record === undefined) return undefined;
    return this.#decodeState(regionId, this.#check(key, record, { kind: 'raftState', regionId, index: undefined }));
  }

  /** The payload of one entry. @throws {CorruptedRecordError} also when it is missing. */
  entrySync(regionId: number, index: number): Uint8Array {
    const key = logEntryKey(regionId, index);
    return this.#check(key, this.engine.getSync(key), { kind: 'entry', regionId, index });
  }

  /**
   * Payloads of [low, high): the first always, further ones while their sizes together stay within `maxBytes`.
   *
   * @throws {CorruptedRecordError} also when one is missing: the caller knows the log's extent and asks within it.
   */
  entriesSync(regionId: number, low: number, high: number, maxBytes: number): Uint8Array[] {
    assert(low <= high, 'a range of entries that ends before it begins', { regionId, low, high });
    const payloads: Uint8Array[] = [];
    let bytes = 0;
    for (let index = low; index < high; index += 1) {
      const payload = this.entrySync(regionId, index);
      bytes += payload.length;
      if (bytes > maxBytes && payloads.length > 0) break;
      payloads.push(payload);
    }
    return payloads;
  }

  /**
   * Deletes the entries of [startIndex, endIndex), lowest first, un-synced; a `startIndex` of 0 seeks the first entry.
   * Returns how many indexes it covered.
   */
  async deleteRange(regionId: number, startIndex: number, endIndex: number): Promise<number> {
    const start = startIndex === 0 ? await this.#firstIndexBelow(regionId, endIndex) : startIndex;
    for (let low = start; low < endIndex; low += deleteBatchSize) {
      const batch = this.engine.batch();
      const high = Math.min(low + deleteBatchSize, endIndex);
      for (let index = low; index < high; index += 1) batch.delete(logEntryKey(regionId, index));
      await this.engine.write(batch, { sync: false });
    }
    return Math.max(0, endIndex - start);
  }

  /** Adds the removal of the region's raft state and of its entries from `firstIndex` to `lastIndex`, both included. */
  deleteRegion(batch: WriteBatch, regionId: number, firstIndex: number, lastIndex: number): void {
    batch.delete(raftStateKey(regionId));
    for (let index = firstIndex; index <= lastIndex; index += 1) batch.delete(logEntryKey(regionId, index));
  }

  /** Removes all that the database has of the region, known or not. Not atomic. */
  async deleteRegionRange(regionId: number): Promise<void> {
    await this.engine.deleteRange(regionRaftRange(regionId));
  }

  /**
   * Reads the whole log of a region from `firstIndex` on (default: from the first entry there is) and checks every record, that no
   * index is missing, and that the log ends where the raft state says. For the opening of a store.
   *
   * @throws {CorruptedRecordError}
   */
  async verifyRegion(regionId: number, firstIndex?: number): Promise<RaftLogExtent> {
    const state = this.stateSync(regionId);
    let first = firstIndex;
    let next = firstIndex;
    for await (const pairs of this.engine.iterate(logEntryRange(regionId, firstIndex ?? 0))) {
      for (const { key, value } of pairs) {
        const parsed = parseRegionKey(key);
        const found = parsed?.type === 'logEntry' ? parsed.index : undefined;
        next ??= found;
        first ??= found;
        if (next === undefined || found !== next) throw this.#gap(regionId, next, `entry ${found}`);
        this.#check(key, value, { kind: 'entry', regionId, index: found });
        next += 1;
      }
    }
    const lastIndex = state?.lastIndex ?? 0;
    if (next === undefined) return { state, firstIndex: lastIndex + 1, lastIndex };
    if (next !== lastIndex + 1) throw this.#gap(regionId, next, `the raft state's last index ${lastIndex}`);
    return { state, firstIndex: first ?? next, lastIndex };
  }

  async #firstIndexBelow(regionId: number, endIndex: number): Promise<number> {
    const [first] = await this.engine.scan({ ...logEntryRange(regionId, 0, endIndex), limit: 1 });
    const parsed = first === undefined ? undefined : parseRegionKey(first.key);
    return parsed?.type === 'logEntry' ? parsed.index : endIndex;
  }

  #decodeState(regionId: number, payload: Uint8Array): raft_serverpb.RaftLocalState {
    try {
      return raft_serverpb.RaftLocalState.decode(payload);
    } catch (cause) {
      const damage = { kind: 'raftState', regionId, index: undefined, expected: 'a RaftLocalState' } as const;
      throw new CorruptedRecordError(
        this.engine.path,
        { ...damage, found: `${payload.length} other bytes` },
        { cause },
      );
    }
  }

  #check(
    key: Uint8Array,
    record: Uint8Array | undefined,
    place: Pick<RecordDamage, 'kind' | 'regionId' | 'index'>,
  ): Uint8Array {
    const payload = openRecord(key, record);
    if (payload instanceof Uint8Array) return payload;
    throw new CorruptedRecordError(this.engine.path, { ...place, ...payload });
  }

  #gap(regionId: number, index: number | undefined, found: string): CorruptedRecordError {
    const expected = index === undefined ? 'a log entry' : `entry ${index} or the end of the log there`;
    return new CorruptedRecordError(this.engine.path, { kind: 'entry', regionId, index, expected, found });
  }
}
