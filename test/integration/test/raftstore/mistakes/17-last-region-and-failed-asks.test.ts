import { errorOf, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, leaderOfKey, outline, putKey, regionsOn, splitAt } from '../split-cluster.ts';

// Mistake 17: the last region (empty end key) has a size too. A failed ask-split calls its callback.
describe('the last region', () => {
  it('is measured, and split when it is too large', async () => {
    const cluster = await TestCluster.start(3, { config: { regionMaxBytes: 3_000, regionSplitBytes: 2_000 } });
    await splitAt(cluster, 'k');
    await awaitRegions(cluster, 2);
    await putKey(cluster, 'k10', 'x'.repeat(200));
    const sizeOfLast = (): number => {
      const { node, region } = leaderOfKey(cluster, 'z') ?? {};
      return node?.store?.status().find((status) => status.region?.id === region?.id)?.approximateSize ?? 0;
    };
    await cluster.until('its size is known', () => sizeOfLast() > 200);
    for (let number = 11; number < 30; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(200));
    await cluster.until('it was split', () => regionsOn(cluster.nodes[0]!).length > 2);
    expect(regionsOn(cluster.nodes[0]!).at(-1)?.endKey).toHaveLength(0);
    await cluster.close();
  });
});

describe('a split for which the scheduler gives no ids', () => {
  it('is answered, and works once the scheduler is there again', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    await putKey(cluster, 'z', '1');
    const { node, region } = leaderOfKey(cluster, 'a')!;
    cluster.scheduler.available = false;
    for (const splitKeys of [[Buffer.from('m')], []]) {
      const result = await cluster.run(node.store!.splitRegion({ regionId: region.id, splitKeys }));
      expect(errorOf(result)?.serverIsBusy?.reason).toBe('the scheduler gave no ids for the split');
    }
    cluster.scheduler.available = true;
    expect(outline(await splitAt(cluster, 'm'))).toEqual(['-2', 'm-2']);
    await cluster.close();
  });

  it('is answered when the scheduler never does, or the store closes meanwhile', async () => {
    const cluster = await TestCluster.start(1);
    await cluster.awaitLeader();
    const node = cluster.nodes[0]!;
    cluster.scheduler.askSplit = () => new Promise(() => {}) as never;
    const order = { regionId: cluster.region.id, splitKeys: [Buffer.from('m')] };
    const closing = node.store!.splitRegion(order);
    await cluster.world.advance(100);
    const { store } = node;
    await cluster.stop(node);
    expect(errorOf(await cluster.run(closing))?.serverIsBusy).toBeDefined();
    expect(errorOf(await cluster.run(store!.splitRegion(order)))?.serverIsBusy?.reason).toBe('the store is closed');
    await cluster.close();
  });

  it('leaves a region that is too large to be found so again, awake though idle', async () => {
    const config = { regionMaxBytes: 3_000, regionSplitBytes: 2_000, hibernateAfterMs: 300 };
    const cluster = await TestCluster.start(1, { config });
    await cluster.awaitLeader();
    cluster.scheduler.available = false;
    for (let number = 10; number < 30; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(200));
    await cluster.world.advance(2_000);
    expect(regionsOn(cluster.nodes[0]!)).toHaveLength(1);
    cluster.scheduler.available = true;
    await cluster.until('it was split', () => regionsOn(cluster.nodes[0]!).length > 1, 2_000);
    await cluster.close();
  });
});
