import { unreachable } from '@flotilla/runtime';
import { Inflights } from './inflights.ts';

/**
 * How the leader sends to a follower:
 * `probe`, one append at a time until it knows where the logs meet;
 * `replicate`, appends streamed ahead of their acknowledgements, within a window;
 * `snapshot`, nothing until the follower has the snapshot.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/**
 * What a leader knows of one member's log, itself included.
 *
 * Invariant: `match` < `next`; `match` never decreases within a term. Entries up to `match` are durable at the follower,
 * those from `next` on have not been sent, those between are on their way or lost.
 */
export class Progress {
  readonly id: number;
  match = 0;
  next: number;
  state: ProgressState = 'probe';
  /** Index of the snapshot on its way; 0 unless `state` is `snapshot`. */
  pendingSnapshot = 0;
  /** Whether something came from it since the last quorum check. */
  recentActive = false;
  /** The node's tick at which something came from it last, or at which this node began to lead or to follow it. */
  activeTick = 0;
  /** While probing, an append is on its way; while replicating, the window was full at the last send. */
  flowPaused = false;
  readonly inflights: Inflights;
  /** The highest commit index it can know of if what was sent arrives; may be lower than what it knows. */
  #sentCommit = 0;

  constructor(id: number, next: number, maxInflightMessages: number, maxInflightBytes: number) {
    this.id = id;
    this.next = next;
    this.inflights = new Inflights(maxInflightMessages, maxInflightBytes);
  }

  /** Back to knowing nothing but `match`, at the start of a term. */
  reset(match: number, next: number): void {
    this.#enter('probe');
    this.match = match;
    this.next = next;
    this.recentActive = false;
    this.#sentCommit = 0;
  }

  /** Whether the flow of appends is to wait for an answer. */
  isPaused(): boolean {
    return this.state === 'snapshot' || this.flowPaused;
  }

  becomeProbe(): void {
    // A snapshot that was not reported lost may have arrived, so probing goes on behind it.
    const next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.#enter('probe');
    this.next = next;
    this.#sentCommit = Math.min(this.#sentCommit, next - 1);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** Records an append of `count` entries, `bytes` of payload, that is being sent from `next` on. */
  recordSent(count: number, bytes: number): void {
    switch (this.state) {
      case 'probe':
        if (count > 0) this.flowPaused = true;
        break;
      case 'replicate':
        if (count > 0) {
          this.next += count;
          this.inflights.add(this.next - 1, bytes);
        }
        this.flowPaused = this.inflights.isFull();
        break;
      /* v8 ignore next 2 -- a paused progress is never sent to */
      case 'snapshot':
        break;
      default:
        unreachable(this.state, 'progress state');
    }
  }

  /** Records the commit index that is being sent. */
  recordSentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** Whether sending `commit` could tell the follower anything about entries that it has been sent. */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** Takes in an acknowledgement of `index`; false when it is old news. */
  raiseMatch(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.flowPaused = false;
    return true;
  }

  /**
   * Takes in the rejection of an append whose previous entry was `rejected`; `hint` is the highest index at which the logs
   * may meet. False when the rejection is stale: the message it answers has been overtaken.
   */
  lowerNext(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      // Only the answer to the latest probe counts.
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.flowPaused = false;
    }
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
    return true;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.flowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.clear();
  }
}
