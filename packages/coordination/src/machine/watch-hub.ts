import { etcdserverpb, WireError } from '@flotilla/protocol';
import type { MachineReader, MachineSubscription } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { MvccStore } from './mvcc-store.ts';
import type { HistoryEvent, RevisionEvents } from './recent-history.ts';
import { RefusedWatch } from './refused-watch.ts';
import { groupNameOf, WatchGroup } from './watch-group.ts';
import { WatchRangeIndex } from './watch-range-index.ts';
import { WatchSubscription } from './watch-subscription.ts';

/** What a hub has of its machine. */
export interface WatchHubOptions {
  readonly store: () => MvccStore;
  readonly reader: MachineReader;
  readonly clock: Runtime['clock'];
  readonly pieceBytes: number;
  readonly progressIntervalMs: number;
}

/** The watches of one replica. */
export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #groups = new Map<string, WatchGroup>();
  readonly #ranges = new WatchRangeIndex();
  readonly #subscriptions = new Set<WatchSubscription>();
  readonly #byId = new Map<bigint, WatchSubscription>();
  #generation = 0;
  #remindedMs: number;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#remindedMs = options.clock.monotonicMs();
  }

  /** Watches that are open. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Opens a watch; one of what is no request ends with its first piece, which says so. */
  subscribe(payload: Uint8Array): MachineSubscription {
    const request = decodeRequest(payload);
    if (request === undefined) return new RefusedWatch('the payload is not a request for a watch');
    if (request.key.length === 0) return new RefusedWatch('a key is empty');
    const name = groupNameOf(request);
    const group = this.#groups.get(name) ?? this.#addGroup(request);
    const subscription = new WatchSubscription(request, group, {
      store: this.#options.store,
      generation: () => this.#generation,
      nowMs: () => this.#options.clock.monotonicMs(),
      closed: (closed) => this.#remove(closed),
    });
    group.size += 1;
    this.#subscriptions.add(subscription);
    if (request.watchId !== 0n) this.#byId.set(request.watchId, subscription);
    return subscription;
  }

  /** Wakes whoever waits for one of the revision's events. */
  publish({ revision, events }: RevisionEvents): void {
    if (this.#groups.size === 0) return;
    const woken = new Set<WatchGroup>();
    const wake = (event: HistoryEvent, group: WatchGroup): void => {
      if (group.waiting.size === 0 || woken.has(group) || !group.wants(event)) return;
      woken.add(group);
      group.wake(revision);
    };
    for (const event of events) this.#ranges.forEach(event.key, (group) => wake(event, group));
  }

  /** Has a watch send a piece at once; false when it is not one of this replica's. */
  requestProgress(watchId: bigint): boolean {
    const subscription = this.#byId.get(watchId);
    subscription?.requestProgress();
    return subscription !== undefined;
  }

  /** Some time has passed: watches that were quiet for long say that they live. */
  tick(): void {
    const now = this.#options.clock.monotonicMs();
    const { progressIntervalMs } = this.#options;
    // Looked at four times as often, so that a watch is at the most a quarter of the interval late.
    if (now - this.#remindedMs < progressIntervalMs / 4) return;
    this.#remindedMs = now;
    this.forgetPieces();
    for (const subscription of this.#subscriptions) subscription.remind(now - progressIntervalMs);
  }

  /** Pieces that were made would be others now: there was a compaction, or time enough for all to have had them. */
  forgetPieces(): void {
    for (const group of this.#groups.values()) group.forgetPieces();
  }

  /** The data have been replaced; to be called while the store still is the old one: whoever waits has seen all of it. */
  beginReset(): void {
    this.#generation += 1;
    this.forgetPieces();
    for (const subscription of this.#subscriptions) subscription.catchUp();
  }

  /** The store is the new one: whoever waits looks whether it has more. */
  endReset(): void {
    this.#generation += 1;
    this.forgetPieces();
    for (const subscription of this.#subscriptions) subscription.lookAgain();
  }

  close(): void {
    for (const subscription of [...this.#subscriptions]) subscription.close();
  }

  #addGroup(request: etcdserverpb.WatchCreateRequest): WatchGroup {
    const group = new WatchGroup(request, this.#options);
    this.#groups.set(group.name, group);
    this.#ranges.add(group);
    return group;
  }

  #remove(subscription: WatchSubscription): void {
    const { group, watchId } = subscription;
    this.#subscriptions.delete(subscription);
    if (this.#byId.get(watchId) === subscription) this.#byId.delete(watchId);
    group.size -= 1;
    if (group.size > 0) return;
    this.#groups.delete(group.name);
    this.#ranges.remove(group);
  }
}

function decodeRequest(payload: Uint8Array): etcdserverpb.WatchCreateRequest | undefined {
  try {
    return etcdserverpb.WatchCreateRequest.decode(payload);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
