import { epochOf } from '@flotilla/scheduler-client';
import { type RaftStoreConfig, ticksOf } from '../config.ts';
import type { Peer } from './peer.ts';

/**
 * Notices that a peer has lost touch with its region. Without a leader for long it may have been removed and missed it: a
 * learner never asks for votes, and nobody may be left where it asks. Then the scheduler is asked, again and again; sooner when
 * another region waits for the range.
 */
export class LeaderWatch {
  readonly #limitTicks: number;
  readonly #patientTicks: number;
  #missingTicks = 0;
  #ticksSinceAsk = Number.POSITIVE_INFINITY;

  constructor(config: RaftStoreConfig) {
    this.#limitTicks = ticksOf(config, config.maxLeaderMissingMs);
    this.#patientTicks = config.electionTicks;
  }

  /** Asks now, unless there is a leader, or it was asked less than an election timeout ago. */
  askSoon(peer: Peer): void {
    const isHeard = peer.node.hasLeader && peer.isInitialized;
    if (!isHeard && this.#ticksSinceAsk >= this.#patientTicks) this.#ask(peer);
  }

  tick(peer: Peer): void {
    this.#ticksSinceAsk += 1;
    if (peer.node.hasLeader && peer.isInitialized) {
      this.#missingTicks = 0;
      return;
    }
    this.#missingTicks += 1;
    if (this.#missingTicks < this.#limitTicks) return;
    this.#ask(peer);
  }

  #ask(peer: Peer): void {
    const missingTicks = this.#missingTicks;
    this.#missingTicks = 0;
    this.#ticksSinceAsk = 0;
    const { context, meta, regionId } = peer;
    const confVer = peer.isInitialized ? epochOf(peer.region).confVer : peer.introducedConfVer;
    peer.logger.warn('no leader: asking whether this is still a member', { confVer, missingTicks });
    context.askMembership({ regionId, peerId: meta.id, confVer });
  }
}
