import { metapb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { gapsBetween } from '../src/unowned-data.ts';
import { TestCluster } from './cluster/test-cluster.ts';

function region(start: string, end: string): metapb.Region {
  return metapb.Region.create({ startKey: Buffer.from(start), endKey: Buffer.from(end) });
}

describe('gapsBetween', () => {
  it('finds what no region has', () => {
    const gaps = (...regions: metapb.Region[]) =>
      gapsBetween(regions).map(({ startKey, endKey }) => `${Buffer.from(startKey)}-${Buffer.from(endKey)}`);
    expect(gaps()).toEqual(['-']);
    expect(gaps(region('', ''))).toEqual([]);
    expect(gaps(region('m', ''), region('', 'm'))).toEqual([]);
    expect(gaps(region('c', 'e'), region('e', 'g'), region('x', 'z'))).toEqual(['-c', 'g-x', 'z-']);
  });
});

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
