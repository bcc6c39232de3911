import type { Random } from '@flotilla/runtime';
import type { TestCluster } from '../cluster/test-cluster.ts';

/** What disturbs a network. */
export interface NetworkChaos {
  /** Loses a tenth of all messages, doubles some, and delays and reorders the rest. */
  readonly isUnreliable: boolean;
  /** Cuts the cluster in two, one way, around a bridge, or in single links; another cut every election timeout or so. */
  readonly isPartitioned: boolean;
  /** Election timeouts of the stores, in milliseconds. */
  readonly electionMs: number;
}

/** Disturbs the network until `isOver`, then heals it. */
export async function disturbNetwork(
  cluster: TestCluster,
  random: Random,
  chaos: NetworkChaos,
  isOver: () => boolean,
): Promise<void> {
  const { network } = cluster;
  if (chaos.isUnreliable) network.faults = { drop: 0.1, duplicate: 0.05, minDelayMs: 1, maxDelayMs: 27 };
  while (!isOver()) {
    if (chaos.isPartitioned) cutAtRandom(cluster, random);
    await cluster.sleep(chaos.electionMs + random.integer(0, 200));
  }
  calmNetwork(cluster);
}

/** Ends every disturbance of the network. */
export function calmNetwork({ network }: TestCluster): void {
  network.heal();
  network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
  network.clientFaults = network.faults;
}

/** One partition of a random kind, in the place of the one before. */
export function cutAtRandom({ network, nodes }: TestCluster, random: Random): void {
  const ids = nodes.map(({ storeId }) => storeId).filter((storeId) => storeId > 0);
  const left = ids.filter(() => random.fraction() < 0.5);
  const right = ids.filter((storeId) => !left.includes(storeId));
  const kind = random.fraction();
  if (kind < 0.6) {
    network.partition([left, right]);
  } else if (kind < 0.75) {
    network.heal();
    for (const from of left) for (const to of right) network.cut(from, to);
  } else if (kind < 0.85) {
    network.bridge(left, ids[random.integer(0, ids.length)] ?? 0, right);
  } else {
    network.heal();
    for (const from of ids) for (const to of ids) if (from !== to && random.fraction() < 0.3) network.cut(from, to);
  }
}
