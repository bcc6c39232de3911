import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, isTiling, leaderOfKey, putKey, regionsOn, splitAt } from '../split-cluster.ts';

// Mistake 6: range tree, regions, region states and peer caches change together; the new peer is started; the size hint is
// reset; a region is copied before it is changed.
describe('a split', () => {
  it('shows on each store from one moment to the next, never half', async () => {
    const cluster = await TestCluster.start(3);
    for (const key of ['b', 'e', 'h', 'k', 'n', 'q', 't', 'w']) await putKey(cluster, key, key);
    const halves: string[] = [];
    const isEverySplitWhole = (): boolean => {
      for (const node of cluster.nodes) {
        const regions = regionsOn(node);
        const versions = new Set(regions.map(({ regionEpoch }) => regionEpoch?.version));
        if (!isTiling(regions)) halves.push(`${node.name}: ${regions.length} regions do not tile`);
        if (versions.size !== 1) halves.push(`${node.name}: versions ${[...versions].join()}`);
      }
      return cluster.nodes.every((node) => regionsOn(node).length === 4);
    };
    const { node, region } = leaderOfKey(cluster, 'a')!;
    const splitKeys = ['e', 'm', 's'].map((key) => Buffer.from(key));
    void node.store!.splitRegion({ regionId: region.id, splitKeys });
    await cluster.until('the split is everywhere', isEverySplitWhole);
    expect(halves).toEqual([]);
    await cluster.close();
  });

  it('starts the new peers, which serve and outlive a restart', async () => {
    const cluster = await TestCluster.start(3);
    await splitAt(cluster, 'm');
    const regions = await awaitRegions(cluster, 2);
    await putKey(cluster, 'z', '1');
    for (const node of cluster.nodes) {
      await cluster.until('the write is here', () => cluster.valueOn(node, 'z') === '1');
      cluster.crash(node);
    }
    for (const node of cluster.nodes) await cluster.restart(node);
    for (const node of cluster.nodes) expect(regionsOn(node)).toEqual(regions);
    await putKey(cluster, 'z', '2');
    await cluster.close();
  });

  it('forgets the size of the whole', async () => {
    const cluster = await TestCluster.start(1, { config: { splitCheckIntervalMs: 100 } });
    const node = cluster.nodes[0]!;
    for (let number = 10; number < 30; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(100));
    const sizes = () => (node.store?.status() ?? []).map(({ approximateSize }) => approximateSize);
    await cluster.until('the region was measured', () => sizes()[0]! > 2_000);
    await splitAt(cluster, 'k25');
    await awaitRegions(cluster, 2);
    // Fifteen pairs to the left, five to the right, of 111 bytes each with the name of their column family.
    await cluster.until('the parts were measured', () => String(sizes()) === String([15 * 111, 5 * 111]));
    await cluster.close();
  });

  it('leaves what was handed out before as it was', async () => {
    const cluster = await TestCluster.start(1);
    const node = cluster.nodes[0]!;
    const before = regionsOn(node)[0]!;
    const copy = structuredClone(before);
    await splitAt(cluster, 'm');
    await awaitRegions(cluster, 2);
    expect(before).toEqual(copy);
    expect(regionsOn(node)[0]).not.toEqual(copy);
    await cluster.close();
  });
});
