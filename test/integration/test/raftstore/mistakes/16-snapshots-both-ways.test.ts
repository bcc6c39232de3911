import { raft_cmdpb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/** Stores with one slot for each direction, every snapshot slowed down so that they overlap. */
const config = {
  maxSendingSnapshots: 1,
  maxReceivingSnapshots: 1,
  maxSnapshotBytesPerSecond: 2_000,
  logGcThreshold: 5,
  logGcMaxEntries: 20,
  snapshotRetryBackoffMs: 50,
};

function bothWays(node: TestNode): number {
  const { snapshotsSending = 0, snapshotsReceiving = 0 } = node.store?.metrics() ?? {};
  return Math.min(snapshotsSending, snapshotsReceiving);
}

describe('two stores that send each other snapshots', () => {
  it('do not wait for each other', async () => {
    const cluster = await TestCluster.start(1, { config });
    const [first] = cluster.nodes;
    for (let number = 0; number < 30; number += 1) await cluster.put(`k${number}`, 'x'.repeat(100));
    // Two regions, each alone on one of two stores, each to be copied to the other store at the same time.
    const { left, right, second } = await twoRegionsApart(cluster, first!);
    cluster.scheduler.addPeer(left, { id: cluster.scheduler.allocId(), storeId: second.storeId, role: 0 });
    cluster.scheduler.addPeer(right, { id: cluster.scheduler.allocId(), storeId: first!.storeId, role: 0 });
    let overlapped = false;
    const settled = () => {
      overlapped ||= bothWays(first!) > 0 || bothWays(second) > 0;
      return [left, right].every((regionId) =>
        [first!, second].every((node) =>
          node.store!.status().some(({ region }) => region?.id === regionId && region.peers.length === 2),
        ),
      );
    };
    await cluster.until('both have both regions', settled);
    expect(overlapped).toBe(true);
    await cluster.close();
  });
});

/** Splits the first region and moves its right half to a second store. */
async function twoRegionsApart(
  cluster: TestCluster,
  first: TestNode,
): Promise<{ readonly left: number; readonly right: number; readonly second: TestNode }> {
  const region = cluster.regionOn(first);
  const [newRegionId, peerId] = [cluster.scheduler.allocId(), cluster.scheduler.allocId()];
  const split = { splitKey: Buffer.from('k2'), newRegionId, newPeerIds: [peerId] };
  const { AdminCmdType } = raft_cmdpb;
  const header = raft_cmdpb.RaftRequestHeader.create({ regionId: region.id, regionEpoch: region.regionEpoch });
  const adminRequest = raft_cmdpb.AdminRequest.create({ cmdType: AdminCmdType.Split, split });
  const { response } = await cluster.execute(first, raft_cmdpb.RaftCmdRequest.create({ header, adminRequest }));
  expect(response.header?.error).toBeUndefined();
  const second = await cluster.addNode();
  const other = { id: cluster.scheduler.allocId(), storeId: second.storeId, role: 0 } as const;
  const rightId = response.adminResponse!.split!.regions.at(-1)!.id;
  await cluster.until('the scheduler knows both', () => cluster.scheduler.getRegionById(rightId) !== undefined);
  cluster.scheduler.addPeer(rightId, other);
  await cluster.until('the peer is added', () => cluster.scheduler.isSettled(rightId));
  const old = cluster.scheduler.mustRegionById(rightId).peers.find(({ storeId }) => storeId === first.storeId)!;
  cluster.scheduler.removePeer(rightId, old);
  await cluster.until('the old peer is removed', () => cluster.scheduler.isSettled(rightId));
  const leftId = response.adminResponse!.split!.regions[0]!.id;
  return { left: leftId, right: rightId, second };
}
