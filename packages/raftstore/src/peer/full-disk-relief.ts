import type { RaftStoreConfig } from '../config.ts';
import { successorAfter } from './leader-transfer.ts';
import type { Peer } from './peer.ts';

/**
 * Lets a leader whose disk is full hand its leadership to one peer after the other, until one takes it. Nobody knows whose
 * disk has room: a peer on a full disk leaves the order to campaign unheard.
 */
export class FullDiskRelief {
  /** The time in which a transfer is given up, and as much again in which leadership is not being transferred. */
  readonly #pauseTicks: number;
  #untilNext = 0;
  #asked = 0;

  constructor(config: RaftStoreConfig) {
    this.#pauseTicks = config.electionTicks * 2;
  }

  tick(peer: Peer): void {
    if (!peer.context.disk.isFull || !peer.isLeader) {
      this.#untilNext = 0;
      return;
    }
    this.#untilNext -= 1;
    if (this.#untilNext > 0) return;
    this.#untilNext = this.#pauseTicks;
    const successor = successorAfter(peer, this.#asked);
    if (successor === undefined) return;
    this.#asked = successor;
    peer.node.transferLeader(successor);
  }
}
