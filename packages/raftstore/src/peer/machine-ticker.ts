import type { RaftStoreConfig } from '../config.ts';
import type { Peer } from './peer.ts';

/** Time for the machine of a peer's region; and its subscribers are sent elsewhere when the peer has lost touch. */
export class MachineTicker {
  readonly #patienceTicks: number;
  #leaderlessTicks = 0;

  constructor(config: RaftStoreConfig) {
    // One election may fail; what follows the next is worth waiting for.
    this.#patienceTicks = 3 * config.electionTicks;
  }

  tick(peer: Peer): void {
    const machine = peer.context.machines.get(peer.regionId);
    if (machine === undefined) return;
    machine.tick(peer.leadership);
    this.#leaderlessTicks = peer.node.hasLeader ? 0 : this.#leaderlessTicks + 1;
    // Without a leader nothing new comes; other replicas may have one.
    if (this.#leaderlessTicks >= this.#patienceTicks) machine.endSubscriptions();
  }
}
