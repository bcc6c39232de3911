import type { RaftStoreConfig, RegionSnapshot } from '@flotilla/raftstore';
import { errorOf, headerOf, snapCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const start = new Uint8Array(0);

async function open(cluster: TestCluster, node: TestNode): Promise<RegionSnapshot> {
  const { snapshot } = await cluster.execute(node, snapCommand(headerOf(cluster.regionOn(node))));
  expect(snapshot).toBeDefined();
  return snapshot!;
}

async function started(config: Partial<RaftStoreConfig> = {}): Promise<{ cluster: TestCluster; node: TestNode }> {
  const cluster = await TestCluster.start(1, { config });
  await cluster.put('k', 'v');
  return { cluster, node: cluster.nodes[0]! };
}

describe('a region snapshot', () => {
  it('shows the moment at which it was taken, whatever is written later', async () => {
    const { cluster, node } = await started();
    const snapshot = await open(cluster, node);
    await cluster.put('k', 'later');
    await cluster.put('l', 'later');
    expect(Buffer.from((await snapshot.get('default', Buffer.from('k')))!).toString()).toBe('v');
    expect(await snapshot.scan('default', start, 10, 1_000)).toHaveLength(1);
    await snapshot.close();
    await snapshot.close();
    await cluster.close();
  });

  it('refuses keys that a split has given to another region, and never scans into it', async () => {
    const { cluster, node } = await started();
    await cluster.put('x', 'right');
    const before = await open(cluster, node);
    await cluster.orders.split('m');
    await cluster.until('the split is applied', () => cluster.regionOn(node).endKey.length > 0);
    const after = await open(cluster, node);
    expect(await after.scan('default', start, 10, 1_000)).toHaveLength(1);
    for (const read of [after.get('default', Buffer.from('x')), after.scan('default', Buffer.from('m'), 10, 1_000)]) {
      await expect(read).rejects.toMatchObject({ code: 'keyNotInRegion' });
    }
    expect(await before.scan('default', start, 10, 1_000)).toHaveLength(2);
    for (const snapshot of [before, after]) await snapshot.close();
    await cluster.close();
  });

  it('ends by itself when it was forgotten, and says so', async () => {
    const { cluster, node } = await started({ regionSnapshotMaxAgeMs: 1_000 });
    const first = await open(cluster, node);
    await cluster.world.advance(600);
    const second = await open(cluster, node);
    await cluster.world.advance(600);
    await expect(first.get('default', Buffer.from('k'))).rejects.toMatchObject({ code: 'snapshotExpired' });
    expect(await second.get('default', Buffer.from('k'))).toBeDefined();
    await cluster.world.advance(600);
    await expect(second.scan('default', start, 1, 1)).rejects.toMatchObject({ code: 'snapshotExpired' });
    const third = await open(cluster, node);
    await cluster.close();
    await expect(third.get('default', Buffer.from('k'))).rejects.toMatchObject({ code: 'snapshotClosed' });
  });

  it('is refused by name when too many are open', async () => {
    const { cluster, node } = await started({ maxRegionSnapshots: 2 });
    const [first] = [await open(cluster, node), await open(cluster, node)];
    const refused = await cluster.execute(node, snapCommand(headerOf(cluster.regionOn(node))));
    expect(errorOf(refused)?.serverIsBusy?.reason).toBe('too many region snapshots are open');
    expect(refused.snapshot).toBeUndefined();
    await first!.close();
    await (await open(cluster, node)).close();
    await cluster.close();
  });
});
