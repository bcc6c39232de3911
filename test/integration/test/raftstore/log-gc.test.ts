import { parseRegionKey } from '@flotilla/engine';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

async function withPartitionedFollower(config: Parameters<typeof TestCluster.start>[1] = {}) {
  const cluster = await TestCluster.start(3, config);
  await cluster.put('first', 'x');
  const leader = await cluster.awaitLeader();
  const follower = cluster.nodes.find((node) => node !== leader)!;
  await cluster.until('the follower has it', () => cluster.valueOn(follower, 'first') === 'x');
  cluster.network.partition([cluster.nodes.filter((node) => node !== follower).map(({ storeId }) => storeId)]);
  return { cluster, leader, follower, match: cluster.statusOf(follower)!.lastIndex };
}

/** Log entries that a node's disk holds. */
async function entriesOf(node: TestNode): Promise<number> {
  let entries = 0;
  for await (const pairs of node.raftEngine.iterate({ start: Buffer.from([0]) })) {
    for (const { key } of pairs) if (parseRegionKey(key)?.type === 'logEntry') entries += 1;
  }
  return entries;
}

const kept = (cluster: TestCluster, node: TestNode): number => {
  const { appliedIndex, firstIndex } = cluster.statusOf(node)!;
  return appliedIndex - (firstIndex - 1);
};

describe('the log of a region', () => {
  it('is kept for a slow follower within the limits, and collected once it has caught up', async () => {
    const config = { logGcThreshold: 5, logGcMaxEntries: 200 };
    const { cluster, leader, follower, match } = await withPartitionedFollower({ config });
    for (let number = 0; number < 100; number += 1) await cluster.put(`k${number}`, 'x');
    await cluster.world.advance(2_000);
    expect(cluster.statusOf(leader)!.firstIndex).toBeLessThanOrEqual(match + 1);
    expect(await entriesOf(leader)).toBeGreaterThanOrEqual(100);
    const snapshots = follower.store!.metrics().snapshotsApplied;
    cluster.network.heal();
    await cluster.until('the follower has caught up', () => cluster.valueOn(follower, 'k99') === 'x');
    expect(follower.store!.metrics().snapshotsApplied).toBe(snapshots);
    await cluster.world.advance(2_000);
    for (const node of cluster.nodes) {
      expect(kept(cluster, node)).toBeLessThanOrEqual(2 * config.logGcThreshold);
      expect(await entriesOf(node)).toBeLessThanOrEqual(2 * config.logGcThreshold);
    }
    await cluster.close();
  });

  it('never holds more than twice its limit of entries, however fast they come and however rarely it is looked at', async () => {
    const config = { logGcThreshold: 5, logGcMaxEntries: 20, logGcIntervalMs: 60_000 };
    const { cluster, leader, follower } = await withPartitionedFollower({ config });
    let most = 0;
    for (let number = 0; number < 300; number += 1) {
      await cluster.put(`k${number}`, 'x');
      await cluster.world.advance(5);
      for (const node of cluster.nodes) if (node !== follower) most = Math.max(most, kept(cluster, node));
    }
    expect(most).toBeGreaterThan(config.logGcMaxEntries);
    expect(most).toBeLessThanOrEqual(2 * config.logGcMaxEntries);
    expect(leader.store!.metrics().logCompactions).toBeGreaterThan(5);
    cluster.network.heal();
    await cluster.until('the follower has caught up', () => cluster.valueOn(follower, 'k299') === 'x');
    await cluster.close();
  });

  it('is compacted past a slow follower when it has too many bytes', async () => {
    const config = { logGcThreshold: 5, logGcMaxEntries: 100_000, logGcMaxBytes: 20_000 };
    const { cluster, leader, match } = await withPartitionedFollower({ config });
    for (let number = 0; number < 100; number += 1) await cluster.put(`k${number}`, 'x'.repeat(1_000));
    await cluster.world.advance(1_000);
    expect(cluster.statusOf(leader)!.firstIndex).toBeGreaterThan(match + 1);
    expect(kept(cluster, leader)).toBeLessThan(40);
    await cluster.close();
  });

  it('does not wait for a follower that has been down for long', async () => {
    const config = { logGcThreshold: 5, logGcMaxEntries: 100_000, maxPeerDownMs: 5_000 };
    const { cluster, leader, follower, match } = await withPartitionedFollower({ config });
    for (let number = 0; number < 30; number += 1) await cluster.put(`k${number}`, 'x');
    await cluster.world.advance(2_000);
    expect(cluster.statusOf(leader)!.firstIndex).toBeLessThanOrEqual(match + 1);
    await cluster.world.advance(6_000);
    await cluster.put('more', 'x');
    await cluster.world.advance(1_000);
    expect(cluster.statusOf(leader)!.firstIndex).toBeGreaterThan(match + 1);
    cluster.network.heal();
    await cluster.until('the follower has caught up', () => cluster.valueOn(follower, 'more') === 'x');
    await cluster.close();
  });

  it('is never compacted past what a power cut leaves of the data', async () => {
    const cluster = await TestCluster.start(1, { config: { logGcThreshold: 5, logGcMaxEntries: 20 } });
    const [node] = cluster.nodes;
    for (let round = 0; round < 10; round += 1) {
      for (let number = 0; number < 7 + round; number += 1) await cluster.put(`${round} ${number}`, 'x');
      await cluster.world.advance(round * 10);
      cluster.crash(node!);
      await cluster.restart(node!);
      for (let number = 0; number < 7 + round; number += 1) expect(await cluster.get(`${round} ${number}`)).toBe('x');
    }
    expect(cluster.statusOf(node!)!.firstIndex).toBeGreaterThan(50);
    await cluster.close();
  });
});
