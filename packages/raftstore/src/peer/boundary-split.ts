import type { metapb } from '@flotilla/protocol';
import type { RaftStoreConfig } from '../config.ts';
import { isInitialized } from '../region.ts';
import type { Peer } from './peer.ts';
import { prepareSplit } from './split-preparation.ts';

/** Has a region split that spans where the keys of a machine begin or end, whatever its size. Only a leader asks. */
export class BoundarySplit {
  readonly #retryTicks: number;
  #looked: metapb.Region | undefined;
  #splitKeys: readonly Uint8Array[] = [];
  #isUnderWay = false;
  #untilRetry = 0;

  constructor(config: RaftStoreConfig) {
    this.#retryTicks = config.electionTicks;
  }

  tick(peer: Peer): void {
    if (this.#untilRetry > 0) this.#untilRetry -= 1;
    else this.ask(peer);
  }

  /** Asks at once, unless the region is as it should be or a split is under way. */
  ask(peer: Peer): void {
    const { region } = peer;
    if (!peer.isLeader || this.#isUnderWay || peer.isDestroying || !isInitialized(region)) return;
    if (region !== this.#looked) {
      this.#looked = region;
      this.#splitKeys = peer.context.machines.kinds.boundariesIn(region);
    }
    if (this.#splitKeys.length === 0) return;
    this.#isUnderWay = true;
    prepareSplit(peer, region.regionEpoch, this.#splitKeys, ({ response }) => {
      this.#isUnderWay = false;
      const error = response.header?.error;
      if (error === undefined) return;
      this.#untilRetry = this.#retryTicks;
      peer.logger.debug('a region was not split where a machine begins or ends', { reason: error.message });
    });
  }
}
