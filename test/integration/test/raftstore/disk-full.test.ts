import {
  deleteCommand,
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
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

  it('refuses deletes too, which need room in the log, and compacts its log', async () => {
    const cluster = await TestCluster.start(1, { config: { ...config, logGcThreshold: 5 } });
    const [node] = cluster.nodes;
    for (let number = 0; number < 4; number += 1) await cluster.put(`k${number}`, 'v');
    node!.freeDiskBytes = 0;
    await cluster.world.advance(200);
    const command = deleteCommand(headerOf(cluster.regionOn(node!)), 'k1');
    expect(errorOf(await cluster.execute(node!, command))?.serverIsBusy?.reason).toBe('disk full');
    expect(cluster.valueOn(node!, 'k1')).toBe('v');
    // What a region needs to go on has the reserve, such as a comparison of its replicas.
    for (let number = 0; number < 4; number += 1) {
      await cluster.run(node!.store!.checkConsistency(cluster.region.id));
    }
    await cluster.until('the log is compacted', () => cluster.statusOf(node!)!.firstIndex > 8);
    await cluster.close();
  });

  it('hands leadership to a peer whose disk has room, if there is one', async () => {
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    const old = await cluster.awaitLeader();
    const [full, healthy] = cluster.nodes.filter((node) => node !== old);
    full!.freeDiskBytes = 0;
    await cluster.world.advance(200);
    old.freeDiskBytes = 0;
    await cluster.until('the healthy one leads', () => cluster.leader() === healthy, 5_000);
    // It has no quorum for its entries before another has room: it goes on leading, and says so.
    await cluster.world.advance(15_000);
    expect(cluster.leader()).toBe(healthy);
    full!.freeDiskBytes = 2 ** 40;
    await cluster.put('k', 'w');
    expect(cluster.leader()).toBe(healthy);
    await cluster.until('the two have it', () => cluster.valueOn(full!, 'k') === 'w');
    await cluster.close();
  });

  it('keeps leadership that nobody has room for, and serves reads', async () => {
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const { term } = cluster.statusOf(leader)!;
    for (const node of cluster.nodes) node.freeDiskBytes = 0;
    for (let round = 0; round < 20; round += 1) {
      await cluster.world.advance(230);
      expect(await cluster.get('k')).toBe('v');
    }
    expect(cluster.leader()).toBe(leader);
    expect(cluster.statusOf(leader)!.term).toBe(term);
    for (const node of cluster.nodes) node.freeDiskBytes = 2 ** 40;
    await cluster.put('k', 'w');
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

  it('and its equals leave a healthy leader that names an error in bounded time, until one has room', async () => {
    const cluster = await TestCluster.start(3, { config: { ...config, maxCommitWaitMs: 2_000 } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const others = cluster.nodes.filter((node) => node !== leader);
    for (const other of others) other.freeDiskBytes = 0;
    await cluster.world.advance(200);
    const startMs = cluster.world.nowMs;
    const late = await put(cluster, leader, 'k', 'late');
    expect(late?.outcomeUnknown?.reason).toBe('no quorum takes entries');
    expect(cluster.world.nowMs - startMs).toBeLessThanOrEqual(2_100);
    const refused = await put(cluster, leader, 'k', 'never');
    expect(refused?.serverIsBusy?.reason).toBe('no quorum takes entries');
    expect(await cluster.get('k')).toBe('v');
    expect(cluster.leader()).toBe(leader);
    others[0]!.freeDiskBytes = 2 ** 40;
    // What was in the log takes effect, as its answer said that it might.
    await cluster.until('it is committed', () => cluster.valueOn(leader, 'k') === 'late');
    expect(await put(cluster, leader, 'k', 'new')).toBeUndefined();
    expect(await cluster.get('k')).toBe('new');
    await cluster.close();
  });

  it('receives and makes no snapshots until there is room', async () => {
    const { cluster, laggard } = await withLaggard({ ...config, snapshotRetryBackoffMs: 50 });
    const leader = await cluster.awaitLeader();
    // The third one too: leadership goes to whoever has room.
    for (const node of cluster.nodes) node.freeDiskBytes = 0;
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
