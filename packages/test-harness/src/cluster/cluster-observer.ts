import { flotillapb, type metapb } from '@flotilla/protocol';
import type { TimerHandle } from '@flotilla/runtime';
import { checkEpochs, type EpochObservation } from '../checkers/check-epochs.ts';
import { checkLeaders, type LeaderObservation } from '../checkers/check-leaders.ts';
import { checkMembership, type MembershipObservation } from '../checkers/check-membership.ts';
import { plainViolation, type Verdict, verdictOf } from '../checkers/verdict.ts';
import type { TestCluster, TestNode } from './test-cluster.ts';

/** Looks at every peer of a cluster again and again, and judges what it saw. */
export class ClusterObserver {
  readonly #cluster: TestCluster;
  readonly #timer: TimerHandle;
  readonly #leaders: LeaderObservation[] = [];
  readonly #epochs: EpochObservation[] = [];
  readonly #memberships: MembershipObservation[] = [];
  /** What each peer was last seen as, so that only news are kept. */
  readonly #last = new Map<string, string>();

  /** Looks every `everyMs` until `stop`. */
  constructor(cluster: TestCluster, everyMs = 50) {
    this.#cluster = cluster;
    this.#timer = cluster.clock.timers.every(everyMs, () => this.look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Looks once. */
  look(): void {
    for (const node of this.#cluster.nodes) {
      for (const status of node.store?.status() ?? []) this.#note(node, status);
    }
  }

  /** What holds at any time. */
  verdicts(): Verdict[] {
    this.look();
    return [
      checkLeaders(this.#leaders),
      checkEpochs(this.#epochs),
      checkMembership(this.#memberships),
      this.#checkFailures(),
    ];
  }

  /**
   * What holds as well once nothing is under way any more: every call that a running store was given has its answer. Waits
   * for what has just been asked for, at most `limitMs`.
   */
  async finalVerdicts(limitMs = 10_000): Promise<Verdict[]> {
    const owes = (node: TestNode): boolean => node.store !== undefined && node.ledger.openCount > 0;
    const endMs = this.#cluster.world.nowMs + limitMs;
    while (this.#cluster.nodes.some(owes) && this.#cluster.world.nowMs < endMs) await this.#cluster.sleep(100);
    return [...this.verdicts(), this.#checkAnswers()];
  }

  #note(node: TestNode, status: flotillapb.RegionStatus): void {
    const { region, peer, role, term } = status;
    const epoch = region?.regionEpoch;
    if (region === undefined || peer === undefined || epoch === undefined || region.peers.length === 0) return;
    const observer = `${node.name} peer ${peer.id}`;
    const isLeader = role === flotillapb.RaftRole.Leader;
    const sight = `${epoch.confVer} ${epoch.version} ${isLeader} ${term}`;
    if (this.#last.get(observer) === sight) return;
    this.#last.set(observer, sight);
    if (isLeader) this.#leaders.push({ regionId: region.id, term, peerId: peer.id });
    const { confVer, version } = epoch;
    const peers = region.peers.map(({ id, storeId, role: kind }) => `${id}@${storeId}:${kind}`).sort();
    this.#memberships.push({ regionId: region.id, confVer, peers });
    this.#epochs.push({ observer, regionId: region.id, confVer, version, shape: `${rangeOf(region)} ${peers}` });
  }

  /** No store may have stopped by itself. */
  #checkFailures(): Verdict {
    const failed = this.#cluster.nodes.find(({ fatal }) => fatal !== undefined);
    const { fatal } = failed ?? {};
    const text = fatal === undefined ? undefined : `${failed?.name} failed: ${fatal.message}: ${String(fatal.cause)}`;
    return verdictOf('stores', 1, text === undefined ? undefined : plainViolation(text));
  }

  /** No call that a running store was given may be left without an answer. */
  #checkAnswers(): Verdict {
    const silent = this.#cluster.nodes.find((node) => node.store !== undefined && node.ledger.openCount > 0);
    const text = silent === undefined ? undefined : `${silent.name} owes answers to ${silent.ledger.open().join(', ')}`;
    return verdictOf('callbacks', 1, text === undefined ? undefined : plainViolation(text));
  }
}

function rangeOf({ startKey, endKey }: metapb.Region): string {
  return `[${Buffer.from(startKey).toString('hex')}, ${Buffer.from(endKey).toString('hex')})`;
}
