import { applyStateKey, readRegionState } from '@flotilla/engine';
import { type metapb, raft_serverpb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, HeldSnapshots, putKey, regionsOn, splitAt } from '../split-cluster.ts';

interface Scene {
  readonly cluster: TestCluster;
  /** Has been made a member, and waits for the region's snapshot from before the split. */
  readonly late: TestNode;
  readonly held: HeldSnapshots;
  readonly parent: metapb.Region;
  readonly child: metapb.Region;
}

/**
 * A store that is added to a region whose first snapshot is still on its way when the region is split. The new region's
 * leader reaches it first, so that a peer of the new region is there that knows nothing but its id.
 */
async function withUninitializedChild(): Promise<Scene> {
  const cluster = await TestCluster.start(3);
  for (const key of ['a', 'z']) await putKey(cluster, key, '1');
  const late = await cluster.addNode();
  const held = new HeldSnapshots(cluster, late);
  const { region } = cluster;
  cluster.scheduler.addPeer(region.id, { id: cluster.scheduler.allocId(), storeId: late.storeId, role: 0 });
  await cluster.until('the snapshot is on its way', () => held.count(region.id) > 0);
  const [parent, child] = await splitAt(cluster, 'm');
  await cluster.until('the new region has reached the late store', () =>
    (late.store?.status() ?? []).some((status) => status.region?.id === child!.id),
  );
  expect(regionsOn(late)).toEqual([]);
  return { cluster, late, held, parent: parent!, child: child! };
}

const stateOf = (node: TestNode, regionId: number) => readRegionState(node.kvEngine, regionId)?.state;

// Mistake 8: an uninitialised peer of the child region may exist before the split applies; a child that is a tombstone here,
// or another peer, is left out.
describe('a store that has a peer of the new region before it splits', () => {
  it('puts the split’s peer in the place of one that knows nothing but its id', async () => {
    const { cluster, late, held, parent, child } = await withUninitializedChild();
    held.release(parent.id);
    await cluster.until('the late store has split', () => regionsOn(late).length === 2);
    await awaitRegions(cluster, 2);
    expect(late.store!.metrics().snapshotsApplied).toBe(1);
    await putKey(cluster, 'z', '2');
    await cluster.until('the new peer follows', () => cluster.valueOn(late, 'z') === '2');
    cluster.crash(late);
    await cluster.restart(late);
    expect(regionsOn(late).map(({ id }) => id)).toEqual([parent.id, child.id]);
    await cluster.close();
  });

  it('does not bring back a peer that was removed before', async () => {
    const { cluster, late, held, parent, child } = await withUninitializedChild();
    const peer = child.peers.find(({ storeId }) => storeId === late.storeId)!;
    cluster.scheduler.removePeer(child.id, peer);
    await cluster.until('the peer is no member', () => cluster.scheduler.isSettled(child.id));
    const from = child.peers[0]!;
    const { regionEpoch } = cluster.scheduler.mustRegionById(child.id);
    const notice = { regionId: child.id, fromPeer: from, toPeer: peer, regionEpoch, isTombstone: true };
    late.store!.deliver(raft_serverpb.RaftMessage.create(notice));
    const made: number[] = [];
    late.store!.regionChanges.subscribe((changes) => {
      for (const change of changes) if (change.type === 'created') made.push(change.region.id);
    });
    await cluster.until('the peer is gone', () => stateOf(late, child.id) === raft_serverpb.PeerState.Tombstone);
    held.release(parent.id);
    await cluster.until('the late store has the left part', () => regionsOn(late)[0]?.endKey.length === 1);
    await cluster.world.advance(1_000);
    expect(made).toEqual([]);
    expect(regionsOn(late).map(({ id }) => id)).toEqual([parent.id]);
    expect(stateOf(late, child.id)).toBe(raft_serverpb.PeerState.Tombstone);
    expect(late.kvEngine.getSync(applyStateKey(child.id))).toBeUndefined();
    expect(cluster.valueOn(late, 'a')).toBe('1');
    expect(cluster.valueOn(late, 'z')).toBeUndefined();
    cluster.crash(late);
    await cluster.restart(late);
    expect(regionsOn(late).map(({ id }) => id)).toEqual([parent.id]);
    await cluster.close();
  });

  it('leaves a newer peer as it is, which catches up by itself', async () => {
    const { cluster, late, held, parent, child } = await withUninitializedChild();
    const peer = child.peers.find(({ storeId }) => storeId === late.storeId)!;
    cluster.scheduler.removePeer(child.id, peer);
    await cluster.until('the peer is no member', () => cluster.scheduler.isSettled(child.id));
    const newer = { id: cluster.scheduler.allocId(), storeId: late.storeId, role: 0 } as const;
    cluster.scheduler.addPeer(child.id, newer);
    await cluster.until('the newer peer is here', () =>
      (late.store?.status() ?? []).some((status) => status.peer?.id === newer.id),
    );
    held.release(parent.id);
    await cluster.until('the late store has the left part', () => regionsOn(late)[0]?.endKey.length === 1);
    held.release(child.id);
    await cluster.until('the newer peer has caught up', () => cluster.valueOn(late, 'z') === '1', 120_000);
    await cluster.until('the scheduler has seen it', () => cluster.scheduler.isSettled(child.id));
    expect(late.store!.status().find((status) => status.region?.id === child.id)?.peer?.id).toBe(newer.id);
    await putKey(cluster, 'z', '2');
    await cluster.until('the newer peer follows', () => cluster.valueOn(late, 'z') === '2');
    await cluster.close();
  });
});
