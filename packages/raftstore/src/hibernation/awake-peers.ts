import { type RaftStoreConfig, ticksOf } from '../config.ts';
import type { Peer } from '../peer/peer.ts';

/**
 * The peers of a store, parted by whether they tick: a tick costs as much as there are peers awake. Those that sleep are
 * visited in turn, each once in `idleRegionHeartbeatIntervalMs`, so that they never come all at once. Where they are few they
 * are visited more often, one in `regionHeartbeatIntervalMs`: what the scheduler wants of a small cluster comes soon.
 */
export class AwakePeers {
  readonly #awake = new Set<Peer>();
  readonly #asleep = new Set<Peer>();
  readonly #visitTicks: number;
  readonly #leastVisitsPerTick: number;
  /** Visits that are due, in fractions. */
  #due = 0;
  #turn: Iterator<Peer> | undefined;
  /** Ticks of single peers since the store was opened. */
  peerTicks = 0;

  constructor(config: RaftStoreConfig) {
    this.#visitTicks = ticksOf(config, config.idleRegionHeartbeatIntervalMs);
    this.#leastVisitsPerTick = 1 / ticksOf(config, config.regionHeartbeatIntervalMs);
  }

  get asleep(): ReadonlySet<Peer> {
    return this.#asleep;
  }

  add(peer: Peer): void {
    this.#awake.add(peer);
  }

  delete(peer: Peer): void {
    this.#awake.delete(peer);
    this.#asleep.delete(peer);
  }

  /** Follows a peer that has handled something. */
  settle(peer: Peer): void {
    const { isAsleep } = peer.hibernation;
    if (isAsleep === this.#asleep.has(peer)) return;
    if (isAsleep) {
      this.#awake.delete(peer);
      this.#asleep.add(peer);
    } else {
      this.#asleep.delete(peer);
      this.#awake.add(peer);
    }
  }

  /** Lets the peers that are awake tick, and visits some that sleep; `touched` gets all of them. */
  tick(touched: Set<Peer>): void {
    this.peerTicks += this.#awake.size;
    for (const peer of this.#awake) {
      peer.tick();
      touched.add(peer);
      if (peer.hibernation.isAsleep) this.settle(peer);
    }
    const visits = Math.max(this.#asleep.size / this.#visitTicks, this.#leastVisitsPerTick);
    this.#due = Math.min(this.#due + visits, this.#asleep.size);
    for (; this.#due >= 1; this.#due -= 1) this.#visitNext(touched);
  }

  #visitNext(touched: Set<Peer>): void {
    let next = this.#turn?.next();
    if (next === undefined || next.done === true) {
      this.#turn = this.#asleep.values();
      next = this.#turn.next();
    }
    if (next.done === true) return;
    const peer = next.value;
    peer.hibernation.visit(peer);
    touched.add(peer);
    this.settle(peer);
  }
}
