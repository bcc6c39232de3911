import { assert } from '@flotilla/runtime';
import { MemoryStorage } from '../../src/memory-storage.ts';
import type { ConfState, HardState, Snapshot } from '../../src/message.ts';

/**
 * What one node of the simulation keeps through a crash: its storage and its applied state. A commit index that was written
 * without a sync is lost.
 */
export class Disk extends MemoryStorage {
  applied: number;
  appliedTerm: number;
  confState: ConfState;
  /** Whether a snapshot is being made, and so cannot be had. */
  isSnapshotBusy = false;
  #durable: HardState = { term: 0, vote: 0, commit: 0 };

  constructor(confState: ConfState, applied: number) {
    super();
    this.confState = confState;
    this.applied = applied;
    this.appliedTerm = applied === 0 ? 0 : 1;
    if (applied > 0) this.applySnapshot(this.#snapshotOfState());
  }

  override initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: super.initialState().hardState, confState: this.confState };
  }

  override snapshot(): Snapshot | undefined {
    return this.isSnapshotBusy || this.applied === 0 ? undefined : this.#snapshotOfState();
  }

  write(state: HardState, mustSync: boolean): void {
    const before = super.initialState().hardState;
    assert(state.term >= before.term && state.commit >= before.commit, 'term or commit went back', { state, before });
    assert(state.term > before.term || before.vote === 0 || state.vote === before.vote, 'voted twice in a term', {
      state,
      before,
    });
    this.setHardState(state);
    if (mustSync) this.#durable = state;
  }

  /** Forgets what was not made durable. */
  crash(): void {
    this.setHardState(this.#durable);
  }

  install(snapshot: Snapshot): void {
    if (snapshot.metadata.index <= this.applied) return;
    this.applySnapshot(snapshot);
    this.applied = snapshot.metadata.index;
    this.appliedTerm = snapshot.metadata.term;
    this.confState = snapshot.metadata.confState;
  }

  #snapshotOfState(): Snapshot {
    return {
      data: new Uint8Array(0),
      metadata: { index: this.applied, term: this.appliedTerm, confState: this.confState },
    };
  }
}
