import { errorOf, getCommand, headerOf, snapCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, getKey, leaderOfKey, putKey, regionsOn, splitAt } from '../split-cluster.ts';

// Mistake 14: an empty value is a value, not a delete.
describe('an empty value', () => {
  it('is read as one, and an absent key is not', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'empty', '');
    const { node, region } = leaderOfKey(cluster, 'empty')!;
    const found = await cluster.execute(node, getCommand(headerOf(region), 'empty'));
    expect(found.response.responses[0]?.get?.value).toHaveLength(0);
    const absent = await cluster.execute(node, getCommand(headerOf(region), 'absent'));
    expect(errorOf(absent)).toBeUndefined();
    expect(absent.response.responses[0]?.get).toBeUndefined();
    const { snapshot } = await cluster.execute(node, snapCommand(headerOf(region)));
    expect(await snapshot!.scan('default', Buffer.from(''), 10, 100)).toHaveLength(1);
    expect(await snapshot!.get('default', Buffer.from('empty'))).toHaveLength(0);
    await snapshot!.close();
    await cluster.close();
  });

  it('replaces another value, and stays through a crash, a split and a snapshot', async () => {
    const cluster = await TestCluster.start(3, { config: { logGcThreshold: 5, logGcMaxEntries: 20 } });
    for (const key of ['d', 'v']) await putKey(cluster, key, 'full');
    for (const key of ['d', 'v']) await putKey(cluster, key, '');
    for (const node of cluster.nodes) {
      await cluster.until('it is everywhere', () => cluster.valueOn(node, 'v') === '');
      cluster.crash(node);
    }
    for (const node of cluster.nodes) await cluster.restart(node);
    await splitAt(cluster, 'm');
    const [, right] = await awaitRegions(cluster, 2);
    for (let number = 0; number < 40; number += 1) await putKey(cluster, `w${number}`, 'x');
    const late = await cluster.addNode();
    const peer = { id: cluster.scheduler.allocId(), storeId: late.storeId, role: 0 } as const;
    await cluster.until('the scheduler knows the region', () =>
      cluster.scheduler.regions().some(({ region }) => region.id === right!.id),
    );
    cluster.scheduler.addPeer(right!.id, peer);
    await cluster.until(
      'the new replica has it',
      () => regionsOn(late).length === 1 && cluster.valueOn(late, 'w39') === 'x',
    );
    expect(late.store!.metrics().snapshotsApplied).toBe(1);
    expect(cluster.valueOn(late, 'v')).toBe('');
    for (const key of ['d', 'v']) expect(await getKey(cluster, key)).toBe('');
    await cluster.close();
  });

  it('counts when a region is parted', async () => {
    const cluster = await TestCluster.start(1);
    for (let number = 10; number < 20; number += 1) await putKey(cluster, `k${number}`, '');
    const { node, region } = leaderOfKey(cluster, 'k10')!;
    const result = await cluster.run(node.store!.splitRegion({ regionId: region.id, splitKeys: [] }));
    const [, right] = result.response.adminResponse?.split?.regions ?? [];
    expect(Buffer.from(right?.startKey ?? []).toString()).toBe('k15');
    await cluster.close();
  });
});
