import { type RaftStoreConfig, ticksOf } from '../config.ts';
import { failed, outcomeUnknown } from '../region-error.ts';
import type { Peer } from './peer.ts';

/**
 * Notices that a leader commits nothing although its followers answer, as when their disks are full: then whoever waits is
 * told that the outcome is unknown, and commands are refused until something is committed again. The entries stay in the log,
 * so that there is always something whose commit ends this.
 */
export class CommitWatch {
  /** Why no command is taken now. */
  static readonly reason = 'no quorum takes entries';
  readonly #limitTicks: number;
  #commit = 0;
  #ticks = 0;
  #isStalled = false;

  constructor(config: RaftStoreConfig) {
    this.#limitTicks = ticksOf(config, config.maxCommitWaitMs);
  }

  /** Whether nothing could be committed for so long that nothing is taken any more. */
  isStalled(peer: Peer): boolean {
    return this.#isStalled && peer.isLeader && peer.node.commit === this.#commit;
  }

  tick(peer: Peer): void {
    const { commit } = peer.node;
    if (!peer.isLeader || commit !== this.#commit || commit === peer.node.lastIndex) {
      if (this.#isStalled) peer.logger.info('the region commits again, or has another leader');
      this.#commit = commit;
      this.#ticks = 0;
      this.#isStalled = false;
      return;
    }
    this.#ticks += 1;
    if (this.#ticks < this.#limitTicks || this.#isStalled) return;
    this.#isStalled = true;
    peer.logger.warn('nothing can be committed: no quorum takes entries', { commit });
    for (const { reply } of peer.proposals.drain()) reply(failed(outcomeUnknown(CommitWatch.reason), peer.term));
  }
}
