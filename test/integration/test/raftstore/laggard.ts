import type { RaftStoreConfig } from '@flotilla/raftstore';
import { deleteCommand, headerOf, TestCluster, type TestNode } from '@flotilla/test-harness';
import { expect } from 'vitest';

/** A log so short that a follower soon needs a snapshot. */
export const smallLog = { logGcThreshold: 5, logGcMaxEntries: 20, snapshotGcIntervalMs: 1_000 };

/** A cluster in which the last node has missed more than the log keeps. */
export async function withLaggard(
  config: Partial<RaftStoreConfig> = {},
): Promise<{ readonly cluster: TestCluster; readonly laggard: TestNode }> {
  const cluster = await TestCluster.start(3, { config: { ...smallLog, ...config } });
  await cluster.put('kept', 'early');
  await cluster.put('deleted', 'early');
  const leader = await cluster.awaitLeader();
  const laggard = cluster.nodes.find((node) => node !== leader)!;
  await cluster.until('the laggard has the first writes', () => cluster.valueOn(laggard, 'deleted') === 'early');
  cluster.network.partition([cluster.nodes.filter((node) => node !== laggard).map((node) => node.storeId)]);
  await cluster.retry((node) => deleteCommand(headerOf(cluster.regionOn(node)), 'deleted'));
  for (let number = 0; number < 60; number += 1) await cluster.put(`k${number}`, `v${number}`);
  const behind = cluster.statusOf(laggard)?.lastIndex ?? 0;
  await cluster.until('the log is compacted past the laggard', () =>
    cluster.nodes.some((node) => node !== laggard && (cluster.statusOf(node)?.firstIndex ?? 0) > behind + 1),
  );
  return { cluster, laggard };
}

/** Checks that the node's disk holds what the laggard's cluster was given. */
export function expectWhole(cluster: TestCluster, node: TestNode): void {
  expect(cluster.valueOn(node, 'deleted')).toBeUndefined();
  expect(cluster.valueOn(node, 'kept')).toBe('early');
  for (let number = 0; number < 60; number += 1) expect(cluster.valueOn(node, `k${number}`)).toBe(`v${number}`);
}
