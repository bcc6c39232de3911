import type { RaftLogStore, WriteBatch } from '@flotilla/engine';
import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import type { ConfState, Entry, HardState, LogGap, RaftStorage, Snapshot } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { fromWireEntry, toWireEntry } from '../raft-message.ts';
import { EntryCache } from './entry-cache.ts';

/** The start of a peer's log: `index` and `term` of the last entry that a snapshot or a compaction stands for. */
export type TruncatedState = raft_serverpb.RaftTruncatedState;

/** What a peer's storage begins with. */
export interface PeerStorageOptions {
  readonly regionId: number;
  readonly logStore: RaftLogStore;
  readonly raftState: raft_serverpb.RaftLocalState;
  readonly truncated: TruncatedState;
  readonly confState: ConfState;
  readonly cacheBytes: number;
  /** Asks for a snapshot of the region; answers with one that can be sent now, or `undefined` and makes one. */
  readonly snapshot: () => Snapshot | undefined;
}

/**
 * The stable state of one peer: the raft log behind a cache of its newest entries, and the hard state.
 *
 * It counts an entry as soon as its write has been queued, not when it is durable: the core keeps such entries to itself
 * until it hears, so it never reads them here, and the write behind it in the queue knows what it has to delete.
 */
export class PeerStorage implements RaftStorage {
  readonly #options: PeerStorageOptions;
  readonly #cache: EntryCache;
  #hardState: HardState;
  #lastIndex: number;
  #lastTerm: number;
  #persistedIndex: number;
  #truncated: TruncatedState;
  #logBytes = 0;

  constructor(options: PeerStorageOptions) {
    const { raftState, truncated } = options;
    this.#options = options;
    this.#cache = new EntryCache(options.cacheBytes);
    this.#hardState = raftState.hardState ?? { term: 0, vote: 0, commit: 0 };
    this.#lastIndex = raftState.lastIndex;
    this.#lastTerm = raftState.lastTerm;
    this.#persistedIndex = raftState.lastIndex;
    this.#truncated = truncated;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get truncated(): TruncatedState {
    return this.#truncated;
  }

  /** Bytes of the entries that were appended since the peer was loaded and not compacted since, roughly. */
  get logBytes(): number {
    return this.#logBytes;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#options.confState };
  }

  firstIndex(): number {
    return this.#truncated.index + 1;
  }

  lastIndex(): number {
    return this.#lastIndex;
  }

  term(index: number): number | LogGap {
    if (index === this.#truncated.index) return this.#truncated.term;
    if (index < this.#truncated.index) return 'compacted';
    if (index > this.#lastIndex) return 'unavailable';
    return index === this.#lastIndex ? this.#lastTerm : this.#entry(index).term;
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | LogGap {
    if (low < this.firstIndex()) return 'compacted';
    if (high > this.#lastIndex + 1) return 'unavailable';
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = low; index < high; index += 1) {
      const entry = this.#entry(index);
      bytes += entry.data.length + entryOverheadBytes;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  snapshot(): Snapshot | undefined {
    return this.#options.snapshot();
  }

  /** Queues entries and hard state in the batch; a hard state of all zeros is the one from before. */
  append(batch: WriteBatch, entries: readonly Entry[], hardState: HardState): void {
    const { logStore, regionId } = this.#options;
    const first = entries[0];
    const last = entries.at(-1);
    if (first !== undefined && last !== undefined) {
      assert(first.index > this.#truncated.index && first.index <= this.#lastIndex + 1, 'the log has no gaps', {
        regionId,
        first: first.index,
        lastIndex: this.#lastIndex,
        truncatedIndex: this.#truncated.index,
      });
      const payloads = entries.map((entry) => eraftpb.Entry.encode(toWireEntry(entry)));
      logStore.appendEntries(batch, regionId, first.index, payloads, this.#lastIndex);
      for (const payload of payloads) this.#logBytes += payload.length;
      this.#cache.append(entries);
      this.#persistedIndex = Math.min(this.#persistedIndex, first.index - 1);
      this.#lastIndex = last.index;
      this.#lastTerm = last.term;
    }
    if (hardState.term !== 0 || hardState.vote !== 0 || hardState.commit !== 0) this.#hardState = hardState;
    this.#putState(batch);
  }

  /** Takes a commit index to be written with the next entries. */
  followCommit(commit: number): void {
    this.#hardState = { ...this.#hardState, commit };
  }

  /** Notes that the entries up to `index` are durable, unless one of them has been overwritten since. */
  persisted(index: number, term: number): void {
    if (index <= this.#persistedIndex || index > this.#lastIndex || this.term(index) !== term) return;
    this.#persistedIndex = index;
    this.#cache.trim(index);
  }

  /** Queues the replacement of the whole log by a snapshot that ends at `index`. */
  reset(batch: WriteBatch, index: number, term: number, hardState: HardState): void {
    const { logStore, regionId } = this.#options;
    logStore.deleteRegion(batch, regionId, this.firstIndex(), this.#lastIndex);
    this.#cache.dropThrough(Number.POSITIVE_INFINITY);
    this.#hardState = hardState.term === 0 ? this.#hardState : hardState;
    this.#hardState = { ...this.#hardState, commit: Math.max(this.#hardState.commit, index) };
    this.#logBytes = 0;
    this.#lastIndex = index;
    this.#lastTerm = term;
    this.#persistedIndex = index;
    this.#truncated = { index, term };
    this.#putState(batch);
  }

  /** Queues the removal of all that the raft database has of the region. */
  destroy(batch: WriteBatch): void {
    this.#options.logStore.deleteRegion(batch, this.#options.regionId, this.firstIndex(), this.#lastIndex);
    this.#cache.dropThrough(Number.POSITIVE_INFINITY);
  }

  /** Follows a compaction that has been applied; the entries themselves are deleted later, in a worker. */
  compact(truncated: TruncatedState): void {
    if (truncated.index <= this.#truncated.index) return;
    // The entries' sizes are not kept: what is left of them has its share.
    const before = this.#lastIndex - this.#truncated.index;
    this.#logBytes *= Math.max(0, this.#lastIndex - truncated.index) / Math.max(1, before);
    this.#truncated = truncated;
    this.#cache.dropThrough(truncated.index);
  }

  #putState(batch: WriteBatch): void {
    const state = { hardState: this.#hardState, lastIndex: this.#lastIndex, lastTerm: this.#lastTerm };
    this.#options.logStore.putState(batch, this.#options.regionId, state);
  }

  #entry(index: number): Entry {
    const cached = this.#cache.get(index);
    if (cached !== undefined) return cached;
    const { logStore, regionId } = this.#options;
    const entry = fromWireEntry(eraftpb.Entry.decode(logStore.entrySync(regionId, index)));
    assert(entry.index === index, 'a log record holds the entry of its key', { regionId, index, found: entry.index });
    return entry;
  }
}

/** What an entry's term, index and type add to its data, roughly. */
const entryOverheadBytes = 16;
