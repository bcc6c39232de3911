import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { heartbeatsOf } from '../membership/members.ts';

function sleepers(cluster: TestCluster): number {
  return cluster.nodes.reduce((sum, node) => sum + (node.store?.metrics().hibernatingPeers ?? 0), 0);
}

function ticksOf(cluster: TestCluster): number {
  return cluster.nodes.reduce((sum, node) => sum + node.store!.metrics().peerTicks, 0);
}

async function splitInto(cluster: TestCluster, regions: number): Promise<void> {
  for (let number = 1; number < regions; number += 1) await cluster.orders.split(`k${String(number).padStart(3, '0')}`);
  await cluster.until('every store has every region', () =>
    cluster.nodes.every((node) => node.store!.status().length === regions),
  );
}

function others(cluster: TestCluster, leader: TestNode): TestNode[] {
  return cluster.nodes.filter((node) => node !== leader);
}

describe('an order of the scheduler to a region that sleeps', () => {
  /** Reports come every hour: what is done before does not wait for one. */
  async function asleep(): Promise<TestCluster> {
    const hourMs = 3_600_000;
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    await cluster.put('z', 'v');
    for (const node of cluster.nodes) {
      await cluster.stop(node);
      const intervals = { regionHeartbeatIntervalMs: hourMs, idleRegionHeartbeatIntervalMs: hourMs };
      node.config = { hibernateAfterMs: 1_000, ...intervals };
      await cluster.restart(node);
    }
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    cluster.scheduler.pushesOrders = true;
    return cluster;
  }

  it('to hand its leadership over is carried out at once', async () => {
    const cluster = await asleep();
    const leader = await cluster.awaitLeader();
    const next = others(cluster, leader)[0]!;
    const startMs = cluster.world.nowMs;
    cluster.scheduler.transferLeader(cluster.region.id, cluster.orders.peerOn(cluster.region.id, next));
    await cluster.until('it is done', () => cluster.scheduler.isSettled());
    expect(cluster.world.nowMs - startMs).toBeLessThan(200);
    expect(cluster.leader()).toBe(next);
    await cluster.until('all sleep again', () => sleepers(cluster) === 3);
    await cluster.close();
  });

  it('to split, or to have one more peer, is carried out at once', async () => {
    const cluster = await asleep();
    const startMs = cluster.world.nowMs;
    cluster.scheduler.splitAt(Buffer.from('m'));
    await cluster.until('it is done', () => cluster.scheduler.isSettled());
    expect(cluster.world.nowMs - startMs).toBeLessThan(500);
    expect(cluster.scheduler.regionCount).toBe(2);
    const spare = await cluster.addNode();
    await cluster.until('all sleep again', () => sleepers(cluster) === 6);
    const orderedMs = cluster.world.nowMs;
    const { id } = cluster.region;
    await cluster.orders.addPeer(id, spare);
    expect(cluster.world.nowMs - orderedMs).toBeLessThan(1_000);
    expect(cluster.region.peers.some(({ storeId }) => storeId === spare.storeId)).toBe(true);
    await cluster.close();
  });
});

describe('a region that is about to sleep', () => {
  it('compacts its log, which nobody does while it sleeps, and has the entries deleted on every store', async () => {
    const config = { hibernateAfterMs: 500, logGcIntervalMs: 3_600_000, logGcThreshold: 50 };
    const cluster = await TestCluster.start(3, { config });
    for (let number = 0; number < 100; number += 1) await cluster.put(`k${number}`, 'v');
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    for (const node of cluster.nodes) {
      const { firstIndex, lastIndex } = cluster.statusOf(node)!;
      expect(lastIndex - firstIndex).toBeLessThan(5);
    }
    expect(cluster.nodes.map((node) => node.store!.metrics().logCompactions)).toEqual([1, 1, 1]);
    await cluster.world.advance(10_000);
    expect(sleepers(cluster)).toBe(3);
    await cluster.close();
  });

  it('does not stay awake to compact its own compactions', async () => {
    const config = { hibernateAfterMs: 500, logGcIntervalMs: 3_600_000, logGcThreshold: 1 };
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    await cluster.close();
  });
});

describe('checks of consistency', () => {
  it('wake each region that sleeps in its turn, and few of them at once', async () => {
    const regions = 16;
    const checkMs = 120_000;
    const config = { hibernateAfterMs: 500, consistencyCheckIntervalMs: checkMs };
    const cluster = await TestCluster.start(3, { config });
    await splitInto(cluster, regions);
    await cluster.until('all sleep', () => sleepers(cluster) === 3 * regions);
    const checks = (): number[] => cluster.nodes.map((node) => node.store!.metrics().consistencyChecks);
    const before = checks();
    let mostAwake = 0;
    for (let passedMs = 0; passedMs < 2 * checkMs; passedMs += 100) {
      await cluster.world.advance(100);
      mostAwake = Math.max(mostAwake, 3 * regions - sleepers(cluster));
    }
    for (const [number, count] of checks().entries()) {
      expect(count - before[number]!).toBeGreaterThanOrEqual(regions);
      expect(count - before[number]!).toBeLessThanOrEqual(2 * regions);
    }
    // Regions' turns are by their ids, which follow each other: a tick apart here, and awake for ten.
    expect(mostAwake).toBeLessThan(3 * regions);
    for (const node of cluster.nodes) expect(node.store!.metrics().consistencyChecksSkipped).toBe(0);
    await cluster.close();
  });
});

describe('regions that are awake', () => {
  it('report to the scheduler in turns, over the whole interval', async () => {
    const regions = 16;
    const cluster = await TestCluster.start(3, { config: { regionHeartbeatIntervalMs: 3_200 } });
    await splitInto(cluster, regions);
    for (const node of cluster.nodes) cluster.crash(node);
    for (const node of cluster.nodes) await cluster.restart(node);
    await cluster.world.advance(10_000);
    const heartbeats = heartbeatsOf(cluster);
    const perTick: number[] = [];
    for (let tick = 0; tick < 64; tick += 1) {
      const before = heartbeats.length;
      await cluster.world.advance(50);
      perTick.push(heartbeats.length - before);
    }
    expect(heartbeats.length).toBeGreaterThanOrEqual(regions - 1);
    expect(new Set(heartbeats.map(({ region }) => region?.id)).size).toBe(regions);
    expect(Math.max(...perTick)).toBeLessThanOrEqual(3);
    await cluster.close();
  });
});

describe('a region between whose stores there is a cut', () => {
  it('wakes less and less often for the member that is cut off', async () => {
    const cluster = await TestCluster.start(3, { config: { hibernateAfterMs: 1_000 } });
    await cluster.put('k', 'v');
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    const leader = await cluster.awaitLeader();
    const [cutOff] = others(cluster, leader);
    cluster.network.cut(leader.storeId, cutOff!.storeId);
    cluster.network.cut(cutOff!.storeId, leader.storeId);
    let wakes = 0;
    let wasAsleep = true;
    const tenMinutesMs = 600_000;
    for (let passedMs = 0; passedMs < tenMinutesMs; passedMs += 50) {
      await cluster.world.advance(50);
      const isAsleep = leader.store!.metrics().hibernatingPeers === 1;
      if (wasAsleep && !isAsleep) wakes += 1;
      wasAsleep = isAsleep;
    }
    // Sixteen times as long awake, after a few times less than that.
    expect(wakes).toBeLessThan(50);
    expect(await cluster.get('k')).toBe('v');
    cluster.network.heal();
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    const ticks = ticksOf(cluster);
    await cluster.world.advance(60_000);
    expect(ticksOf(cluster)).toBe(ticks);
    await cluster.close();
  });
});
