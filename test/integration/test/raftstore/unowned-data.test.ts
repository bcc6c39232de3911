import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('a start', () => {
  it('deletes the data of a peer that was destroyed just before the end of the process', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const node = cluster.nodes.find((one) => one !== leader)!;
    await cluster.until('it has the write', () => cluster.valueOn(node, 'k') === 'v');
    const peer = cluster.region.peers.find((one) => one.storeId === node.storeId)!;
    cluster.scheduler.removePeer(cluster.region.id, peer);
    await cluster.until('the peer is gone', () => node.store!.status().length === 0);
    const batch = node.kvEngine.batch();
    batch.put(Buffer.from('default_left'), Buffer.from('over'));
    await node.kvEngine.write(batch, { sync: true });
    cluster.crash(node);
    await cluster.restart(node);
    expect(cluster.valueOn(node, 'left')).toBeUndefined();
    expect(cluster.valueOn(node, 'k')).toBeUndefined();
    await cluster.close();
  });
});
