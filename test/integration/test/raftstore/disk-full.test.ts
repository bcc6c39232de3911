import { errorOf, getCommand, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { withLaggard } from './laggard.ts';

const config = { minFreeDiskBytes: 1_000_000, diskCheckIntervalMs: 100 };

async function put(cluster: TestCluster, node: TestNode, key: string, value: string) {
  return errorOf(await cluster.execute(node, putCommand(headerOf(cluster.regionOn(node)), key, value)));
}

describe('a store whose disk has no room', () => {
  it('refuses writes by name, serves reads, and takes writes again when there is room', async () => {
    const cluster = await TestCluster.start(1, { config });
    const [node] = cluster.nodes;
    await cluster.put('k', 'v');
    node!.freeDiskBytes = 999_999;
    await cluster.world.advance(200);
    expect((await put(cluster, node!, 'k', 'w'))?.serverIsBusy?.reason).toBe('disk full');
    expect(node!.store!.metrics().diskFull).toBe(1);
    const read = await cluster.execute(node!, getCommand(headerOf(cluster.regionOn(node!)), 'k'));
    expect(Buffer.from(read.response.responses[0]!.get!.value).toString()).toBe('v');
    // A little more than the least is not enough, or the store would waver.
    node!.freeDiskBytes = 1_100_000;
    await cluster.world.advance(200);
    expect((await put(cluster, node!, 'k', 'w'))?.serverIsBusy?.reason).toBe('disk full');
    node!.freeDiskBytes = 1_250_000;
    await cluster.world.advance(200);
    expect(await put(cluster, node!, 'k', 'w')).toBeUndefined();
    expect(node!.fatal).toBeUndefined();
    expect(node!.logger.messages('error')).toEqual(['the disk is full: the store takes no more writes']);
    await cluster.close();
  });

  it('is read-only from its start', async () => {
    const cluster = await TestCluster.start(1, { config });
    const [node] = cluster.nodes;
    await cluster.put('k', 'v');
    node!.freeDiskBytes = 10;
    cluster.crash(node!);
    await cluster.restart(node!);
    await cluster.awaitLeader();
    expect((await put(cluster, node!, 'k', 'w'))?.serverIsBusy?.reason).toBe('disk full');
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('takes no entries as a follower, while the others go on, and follows again when there is room', async () => {
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    await cluster.until('the follower has it', () => cluster.valueOn(follower, 'k') === 'v');
    follower.freeDiskBytes = 0;
    await cluster.world.advance(200);
    const before = cluster.statusOf(follower)!.lastIndex;
    for (let number = 0; number < 600; number += 1)
      expect(await put(cluster, leader, `k${number}`, 'v')).toBeUndefined();
    await cluster.world.advance(2_000);
    expect(cluster.statusOf(follower)!.lastIndex).toBe(before);
    expect(cluster.leader()).toBe(leader);
    follower.freeDiskBytes = 2_000_000;
    await cluster.until('the follower has all', () => cluster.valueOn(follower, 'k599') === 'v');
    await cluster.close();
  });

  it('receives and makes no snapshots until there is room', async () => {
    const { cluster, laggard } = await withLaggard({ ...config, snapshotRetryBackoffMs: 50 });
    const leader = await cluster.awaitLeader();
    laggard.freeDiskBytes = 0;
    leader.freeDiskBytes = 0;
    await cluster.world.advance(200);
    cluster.network.heal();
    await cluster.world.advance(3_000);
    const generated = () => leader.snapshots.names().filter((name) => name.startsWith('gen'));
    expect(generated()).toEqual([]);
    leader.freeDiskBytes = 2 ** 40;
    await cluster.world.advance(3_000);
    expect(generated()).not.toEqual([]);
    expect(laggard.snapshots.names().filter((name) => name.startsWith('rev'))).toEqual([]);
    laggard.freeDiskBytes = 2 ** 40;
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    await cluster.close();
  });
});
