import { etcdserverpb } from '@flotilla/protocol';
import type { MachineSubscription } from '@flotilla/raftstore';
import type { MvccStore } from './mvcc-store.ts';
import { headerOf } from './range-read.ts';
import type { RecordPlace } from './record-key.ts';
import type { WatchGroup } from './watch-group.ts';

/** What a subscription has of its hub. */
export interface WatchHost {
  readonly store: () => MvccStore;
  /** Changes whenever the data are replaced: what was read meanwhile is read again. */
  readonly generation: () => number;
  readonly nowMs: () => number;
  readonly closed: (subscription: WatchSubscription) => void;
}

/**
 * A watch: a place in the history, and what it asks for. While there is nothing to read it waits in its group; its place
 * stands still then, because nothing between the place and what wakes it is of interest.
 */
export class WatchSubscription implements MachineSubscription {
  readonly watchId: bigint;
  readonly group: WatchGroup;
  readonly wantsProgress: boolean;
  readonly #host: WatchHost;
  #place: RecordPlace;
  #isCreated = false;
  #isClosed = false;
  #isProgressDue = false;
  #lastPieceMs: number;
  #wake: (() => void) | undefined;

  constructor(request: etcdserverpb.WatchCreateRequest, group: WatchGroup, host: WatchHost) {
    const { startRevision } = request;
    this.#host = host;
    this.group = group;
    this.watchId = request.watchId;
    this.wantsProgress = request.progressNotify;
    this.#place = { revision: startRevision > 0n ? Number(startRevision) : host.store().revision + 1, sub: 0 };
    this.#lastPieceMs = host.nowMs();
  }

  async next(): Promise<Uint8Array | undefined> {
    if (!this.#isCreated) {
      this.#isCreated = true;
      if (!this.#isCompacted()) return this.#send({ created: true });
    }
    for (;;) {
      if (this.#isClosed) return undefined;
      if (this.#isCompacted()) return this.#endCompacted();
      const generation = this.#host.generation();
      const { revision } = this.#host.store();
      if (this.#place.revision <= revision) {
        const made = this.group.pieceFrom(this.#place);
        const piece = made instanceof Promise ? await made : made;
        if (generation !== this.#host.generation() || this.#isClosed) continue;
        this.#place = piece.next;
        if (piece.bytes === undefined) continue;
        this.#lastPieceMs = this.#host.nowMs();
        return piece.bytes;
      }
      if (this.#isProgressDue) {
        this.#isProgressDue = false;
        return this.#send({});
      }
      await this.#wait();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.closed(this);
    this.#resume();
  }

  /** A revision has something of interest, and nothing before it had. */
  wake(revision: number): void {
    if (revision < this.#place.revision) return;
    this.#place = { revision, sub: 0 };
    this.#resume();
  }

  /** A piece is wanted at once, be it an empty one. */
  requestProgress(): void {
    this.#isProgressDue = true;
    if (this.#wake !== undefined) this.catchUp();
  }

  /** Asks for progress if the last piece is older than `olderThanMs`, by the clock of the host. */
  remind(olderThanMs: number): void {
    if (this.wantsProgress && this.#lastPieceMs <= olderThanMs) this.requestProgress();
  }

  /** Moves a subscription that waits to the end of the history, where it would find itself, and has it go on. */
  catchUp(): void {
    if (this.#wake === undefined) return;
    const { revision } = this.#host.store();
    if (this.#place.revision <= revision) this.#place = { revision: revision + 1, sub: 0 };
    this.#resume();
  }

  /** Has a subscription that waits go on from where it is. */
  lookAgain(): void {
    if (this.#wake !== undefined) this.#resume();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.group.waiting.add(this);
    });
  }

  #resume(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.group.waiting.delete(this);
    wake?.();
  }

  #isCompacted(): boolean {
    return this.#place.revision < this.#host.store().compactRevision;
  }

  #endCompacted(): Uint8Array {
    const compactRevision = BigInt(this.#host.store().compactRevision);
    const bytes = this.#send({
      canceled: true,
      compactRevision,
      cancelReason: 'the revision to watch from is compacted',
    });
    this.close();
    return bytes;
  }

  /** A piece without events: it has everything of interest up to its revision behind it. */
  #send(fields: Partial<etcdserverpb.WatchResponse>): Uint8Array {
    const { revision } = this.#host.store();
    this.#lastPieceMs = this.#host.nowMs();
    return etcdserverpb.WatchResponse.encode(
      etcdserverpb.WatchResponse.create({ header: headerOf(Math.min(this.#place.revision - 1, revision)), ...fields }),
    );
  }
}
