import {
  type ConfState,
  decodeConfChange,
  type Entry,
  emptySnapshot,
  type HardState,
  MemoryStorage,
  type Message,
  type RaftConfig,
  RawNode,
  type Snapshot,
} from '@flotilla/raft';
import { createSeededRandom, silentLogger } from '@flotilla/runtime';
import { CommandError } from './arguments.ts';

/** What `add-nodes` configures. */
export type NodeOptions = Omit<RaftConfig, 'id' | 'applied'>;

/** What a write makes durable. */
export interface StorageWork {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | undefined;
}

/** Storage whose snapshots are those of the state machine. */
class HistoryStorage extends MemoryStorage {
  readonly history: Snapshot[];

  constructor(history: Snapshot[]) {
    super();
    this.history = history;
  }

  override snapshot(): Snapshot | undefined {
    return this.history.at(-1);
  }
}

/** One node of the environment: core, storage, work that waits, and the state machine's snapshots. */
export class InteractionNode {
  readonly id: number;
  readonly options: NodeOptions;
  readonly core: RawNode;
  readonly storage: MemoryStorage;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];
  /** A snapshot after each applied entry, the initial one first. */
  readonly #history: Snapshot[];

  constructor(id: number, options: NodeOptions, bootstrap: Snapshot | undefined) {
    this.id = id;
    this.options = options;
    this.#history = [bootstrap ?? emptySnapshot];
    this.storage = new HistoryStorage(this.#history);
    if (bootstrap !== undefined) this.storage.applySnapshot(bootstrap);
    const applied = bootstrap?.metadata.index ?? 0;
    // Draws of timeouts are not compared, so any seed does.
    const deps = { random: createSeededRandom(id), logger: silentLogger };
    this.core = new RawNode({ ...options, id, applied }, this.storage, deps);
  }

  get lastSnapshot(): Snapshot {
    return this.#history.at(-1)!;
  }

  /** Makes work durable. */
  persist(work: StorageWork): void {
    const { hardState, snapshot, entries } = work;
    if (hardState !== undefined && (hardState.term !== 0 || hardState.vote !== 0 || hardState.commit !== 0)) {
      this.storage.setHardState(hardState);
    }
    if (snapshot === undefined || snapshot.metadata.index === 0) {
      this.storage.append(entries);
      return;
    }
    if (entries.length > 0) throw new CommandError("can't apply snapshot and entries at the same time");
    if (this.storage.applySnapshot(snapshot) === 'outOfDate') {
      throw new CommandError('requested index is older than the existing snapshot');
    }
  }

  /** Applies committed entries, and keeps a snapshot after each. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) this.#applyEntry(entry);
  }

  #applyEntry(entry: Entry): void {
    const before = this.lastSnapshot;
    let payload = entry.data;
    let confState: ConfState = before.metadata.confState;
    if (entry.type !== 'normal') {
      const change = decodeConfChange(entry.type, entry.data);
      if (change === undefined) throw new CommandError('malformed conf change');
      payload = change.context;
      confState = this.core.applyConfChange(change);
    }
    const data = new Uint8Array(before.data.length + payload.length);
    data.set(before.data);
    data.set(payload, before.data.length);
    this.#history.push({ data, metadata: { confState, index: entry.index, term: entry.term } });
  }
}
