import { filter, map, type Observable, Subject } from 'rxjs';
import type { LeadershipChange, RegionChange, SnapshotEvent, SplitChange } from './store-handle.ts';

/** Changes that are told in batches: those of one loop of the raft worker together. */
export class BatchedFeed<Change> {
  readonly #subject = new Subject<readonly Change[]>();
  #batch: Change[] = [];

  /** Batches as they are published; completes when the store is closed. A subscriber must not throw. */
  get changes(): Observable<readonly Change[]> {
    return this.#subject;
  }

  add(change: Change): void {
    this.#batch.push(change);
  }

  publish(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#subject.next(batch);
  }

  /** Publishes what is left and ends. */
  complete(): void {
    this.publish();
    this.#subject.complete();
  }
}

/** What a store tells its owner of, as it happens. */
export class ChangeFeeds {
  readonly leadership: BatchedFeed<LeadershipChange> = new BatchedFeed<LeadershipChange>();
  readonly regions: BatchedFeed<RegionChange> = new BatchedFeed<RegionChange>();
  readonly snapshots: BatchedFeed<SnapshotEvent> = new BatchedFeed<SnapshotEvent>();

  /** The splits among the changes of regions. */
  get splits(): Observable<readonly SplitChange[]> {
    return this.regions.changes.pipe(
      map((changes) => changes.filter((change) => change.type === 'split')),
      filter((splits) => splits.length > 0),
    );
  }

  publish(): void {
    this.leadership.publish();
    this.regions.publish();
    this.snapshots.publish();
  }

  complete(): void {
    this.leadership.complete();
    this.regions.complete();
    this.snapshots.complete();
  }
}
