import { epochOf } from '@flotilla/scheduler-client';
import { type RaftStoreConfig, ticksOf } from '../config.ts';
import type { Peer } from './peer.ts';

/**
 * Notices that a peer has lost touch with its region. Without a leader for long it may have been removed and missed it: a
 * learner never asks for votes, and nobody may be left where it asks. Then the scheduler is asked, again and again.
 */
export class LeaderWatch {
  readonly #limitTicks: number;
  #missingTicks = 0;

  constructor(config: RaftStoreConfig) {
    this.#limitTicks = ticksOf(config, config.maxLeaderMissingMs);
  }

  tick(peer: Peer): void {
    if (peer.node.hasLeader && peer.isInitialized) {
      this.#missingTicks = 0;
      return;
    }
    this.#missingTicks += 1;
    if (this.#missingTicks < this.#limitTicks) return;
    this.#missingTicks = 0;
    const { context, meta, regionId } = peer;
    const confVer = peer.isInitialized ? epochOf(peer.region).confVer : peer.introducedConfVer;
    peer.logger.warn('no leader for long: asking whether this is still a member', { confVer });
    context.askMembership({ regionId, peerId: meta.id, confVer });
  }
}
