import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('a region that sleeps before it was measured', () => {
  it('is measured asleep, and the scheduler told how large it is', async () => {
    // The first regular check would come long after the region has gone to sleep.
    const config = { hibernateAfterMs: 500, splitCheckIntervalMs: 3_600_000, idleRegionHeartbeatIntervalMs: 5_000 };
    const cluster = await TestCluster.start(3, { config });
    for (let number = 0; number < 10; number += 1) await cluster.put(`k${number}`, 'x'.repeat(1_000));
    for (const node of cluster.nodes) cluster.crash(node);
    for (const node of cluster.nodes) await cluster.restart(node);
    const sleepers = (): number =>
      cluster.nodes.reduce((sum, node) => sum + (node.store?.metrics().hibernatingPeers ?? 0), 0);
    await cluster.awaitLeader();
    await cluster.until('all sleep', () => sleepers() === 3);
    const size = (): number => cluster.scheduler.regions()[0]?.approximateSize ?? 0;
    expect(size()).toBe(0);
    const ticks = cluster.nodes.map((node) => node.store!.metrics().peerTicks);
    await cluster.until('its size is known', () => size() > 10_000, 15_000);
    expect(size()).toBeLessThan(11_000);
    expect(sleepers()).toBe(3);
    expect(cluster.nodes.map((node) => node.store!.metrics().peerTicks)).toEqual(ticks);
    await cluster.close();
  });

  it('wakes and is split when it turns out too large', async () => {
    const config = { hibernateAfterMs: 500, splitCheckIntervalMs: 3_600_000, idleRegionHeartbeatIntervalMs: 5_000 };
    const limits = { regionMaxBytes: 8_000, regionSplitBytes: 5_000 };
    const cluster = await TestCluster.start(3, { config });
    for (let number = 0; number < 10; number += 1) await cluster.put(`k${number}`, 'x'.repeat(1_000));
    for (const node of cluster.nodes) {
      cluster.crash(node);
      node.config = limits;
    }
    for (const node of cluster.nodes) await cluster.restart(node);
    await cluster.until('it is split', () => cluster.scheduler.regions().length === 2, 20_000);
    await cluster.close();
  });
});
