import { raftStateKey } from '@flotilla/engine';
import { eraftpb } from '@flotilla/protocol';
import {
  canLose,
  changePeerCommand,
  damageLog,
  damageSnapshotFile,
  headerOf,
  loseDatabase,
  TestCluster,
  type TestNode,
  truncateLog,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

async function restartCode(cluster: TestCluster, node: TestNode): Promise<unknown> {
  return cluster.restart(node).then(
    () => 'opened',
    (error: { code: string }) => error.code,
  );
}

describe('damage of a disk', () => {
  it('of a record that a start needs is always found by it', async () => {
    const codes = new Set<unknown>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const cluster = await TestCluster.start(1, { seed });
      const node = cluster.nodes[0] as TestNode;
      for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, 'v');
      cluster.crash(node);
      const damage = damageLog(node, cluster.world.random);
      expect(damage?.isThere()).toBe(true);
      codes.add(await restartCode(cluster, node));
    }
    expect([...codes].sort()).toEqual(['corrupted', 'corruptedRecord']);
  });

  it('is nothing any more once the record was given up', async () => {
    const cluster = await TestCluster.start(1, { config: { logGcThreshold: 5, logGcMaxEntries: 20 } });
    const node = cluster.nodes[0] as TestNode;
    await cluster.put('k', 'v');
    let damage = damageLog(node, cluster.world.random);
    while (damage?.what.startsWith('log entry') !== true) {
      await cluster.put('k', 'v');
      damage = damageLog(node, cluster.world.random);
    }
    expect(damage.isThere()).toBe(true);
    for (let number = 0; number < 40; number += 1) await cluster.put(`k${number}`, 'v');
    await cluster.until('the log is compacted', () => damage?.isThere() === false);
    await cluster.close();
  });

  it('that empties a database is found by the mark that is gone', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const cluster = await TestCluster.start(1, { seed, marksDatabases: true });
      const node = cluster.nodes[0] as TestNode;
      cluster.crash(node);
      loseDatabase(node, cluster.world.random);
      expect(await restartCode(cluster, node)).toBe('engineCorrupted');
    }
  });

  it('that takes a log back is done only where what is applied shows it', async () => {
    const cluster = await TestCluster.start(1);
    const node = cluster.nodes[0] as TestNode;
    await cluster.put('k', '1');
    const image = node.raftDisk.durableImage();
    await cluster.put('k', '2');
    cluster.crash(node);
    expect(truncateLog(node, image)).toBeUndefined();
    await cluster.restart(node);
    const later = node.raftDisk.durableImage();
    await cluster.put('k', '3');
    cluster.crash(node, { keepsPageCache: true });
    expect(truncateLog(node, later)).toBeDefined();
    expect(await restartCode(cluster, node)).toMatch(/^corrupted/);
  });

  it('that takes away all that a new region has in the log is not done: such a region is known by having nothing', async () => {
    const cluster = await TestCluster.start(1);
    const node = cluster.nodes[0] as TestNode;
    await cluster.put('k', '1');
    const image = node.raftDisk.durableImage();
    await cluster.orders.split('m');
    const client = cluster.createClient('a');
    await cluster.run(client.put('z', '1'));
    // What the new region has applied goes with the crash; its log stays.
    cluster.crash(node);
    const before = node.raftDisk.pairs.size;
    const parentId = cluster.scheduler.mustRegion(new Uint8Array(0)).id;
    const parentState = node.raftDisk.pairs.get(raftStateKey(parentId));
    // Of the old region nothing is lost.
    const whole = image.clone();
    if (parentState !== undefined) whole.set(raftStateKey(parentId), parentState);
    expect(truncateLog(node, whole)).toBeUndefined();
    expect(node.raftDisk.pairs.size).toBe(before);
    await cluster.restart(node);
    expect(await cluster.run(client.get('z'))).toBe('1');
    await cluster.close();
  });

  it('of snapshot files says what it did', async () => {
    const cluster = await TestCluster.start(2);
    const node = cluster.nodes.find(({ snapshots }) => snapshots.names().length > 0)!;
    const files = node.snapshots.names().length;
    const done = Array.from({ length: 60 }, () => damageSnapshotFile(node, cluster.world.random));
    expect(done.some((what) => what?.endsWith('is gone'))).toBe(true);
    expect(node.snapshots.names().length).toBeLessThan(files);
    await cluster.close();
  });
});

describe('whether a store may be lost', () => {
  it('depends on the quorum that is left of each of its regions', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const [, , third] = cluster.nodes as [TestNode, TestNode, TestNode];
    for (const node of cluster.nodes) expect(canLose(cluster, node)).toBe(true);
    // Two of its three voters are left, down or not: what they hold comes back.
    cluster.crash(third);
    for (const node of cluster.nodes) expect(canLose(cluster, node)).toBe(true);
    await cluster.restart(third);
    await cluster.orders.removePeer(cluster.region.id, third);
    for (const node of cluster.nodes) expect(canLose(cluster, node)).toBe(node === third);
    await cluster.close();
  });

  it('is denied while a change of members waits in a log', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const others = cluster.nodes.filter((node) => node !== leader);
    for (const node of others) cluster.pause(node);
    const [first] = others;
    const peer = cluster.orders.peerOn(cluster.region.id, first!);
    const remove = changePeerCommand(headerOf(cluster.regionOn(leader)), eraftpb.ConfChangeType.RemoveNode, peer);
    void leader.store!.execute(remove);
    await cluster.sleep(20);
    for (const node of cluster.nodes) expect(canLose(cluster, node)).toBe(false);
    for (const node of others) cluster.resume(node);
    await cluster.until('the peer is gone', () => cluster.region.peers.length === 2);
    await cluster.close();
  });

  it('lets another take its place', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const peer = cluster.orders.peerOn(cluster.region.id, leader);
    cluster.lose(leader);
    expect(cluster.nodes).toHaveLength(2);
    const newcomer = await cluster.addNode();
    expect(newcomer.name).toBe('node 4');
    cluster.scheduler.removePeer(cluster.region.id, peer);
    await cluster.orders.settled(cluster.region.id);
    await cluster.addPeer(newcomer);
    await cluster.until('the newcomer has all', () => cluster.valueOn(newcomer, 'k') === 'v');
    await cluster.close();
  });
});
