import { eraftpb, metapb, raft_serverpb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, followerOf, newPeerOn, peerOn, stateOnDisk } from './members.ts';

const { Learner } = metapb.PeerRole;
const { Tombstone } = raft_serverpb.PeerState;
const config = { maxLeaderMissingMs: 3_000 };

async function withLearner(): Promise<{ cluster: TestCluster; spare: TestNode; learner: metapb.Peer }> {
  const cluster = await TestCluster.start(3, { config });
  await cluster.put('k', 'v');
  const spare = await cluster.addNode();
  return { cluster, spare, learner: await addLearner(cluster, spare) };
}

describe('a peer that lost touch with its region', () => {
  it('asks the scheduler, and goes when it was removed: a learner that nobody told', async () => {
    const { cluster, spare, learner } = await withLearner();
    cluster.crash(spare);
    const region = await change(cluster, 'remove', learner);
    await cluster.restart(spare);
    expect(spare.store!.status()).toHaveLength(1);
    await cluster.until('it is gone', () => spare.store!.status().length === 0, 10_000);
    await cluster.until('its data are gone', () => cluster.valueOn(spare, 'k') === undefined);
    expect(stateOnDisk(cluster, spare)?.state).toBe(Tombstone);
    // A later peer may come to the same store.
    const next = await addLearner(cluster, spare);
    expect(next.id).toBeGreaterThan(learner.id);
    expect(region.peers.some(({ id }) => id === learner.id)).toBe(false);
    await cluster.close();
  });

  it('goes when all those that it knew are gone from the cluster', async () => {
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    await cluster.awaitLeader();
    const lost = followerOf(cluster);
    cluster.crash(lost);
    for (let count = 0; count < 3; count += 1) {
      const node = await cluster.addNode();
      const learner = await addLearner(cluster, node);
      await change(cluster, 'voter', learner);
    }
    for (const node of cluster.nodes.slice(0, 3)) await change(cluster, 'remove', peerOn(cluster, node));
    for (const node of cluster.nodes.slice(0, 3)) if (node !== lost) cluster.crash(node);
    await cluster.restart(lost);
    expect(lost.store!.status()).toHaveLength(1);
    await cluster.until('it is gone', () => lost.store!.status().length === 0, 20_000);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('stays while it is a member, and while the scheduler cannot be reached', async () => {
    const { cluster, spare, learner } = await withLearner();
    for (const node of cluster.nodes) if (node !== spare) cluster.crash(node);
    await cluster.world.advance(10_000);
    expect(spare.store!.status()).toHaveLength(1);
    for (const node of cluster.nodes) if (node !== spare) await cluster.restart(node);
    await cluster.awaitLeader();
    cluster.crash(spare);
    await change(cluster, 'remove', learner);
    await cluster.world.advance(500);
    await cluster.restart(spare);
    cluster.scheduler.available = false;
    await cluster.world.advance(10_000);
    expect(spare.store!.status()).toHaveLength(1);
    cluster.scheduler.available = true;
    await cluster.until('it is gone', () => spare.store!.status().length === 0, 10_000);
    await cluster.close();
  });

  it('goes although it never learned what its region is', async () => {
    const { cluster, spare, learner } = await withLearner();
    await change(cluster, 'remove', learner);
    await cluster.until('it is gone', () => spare.store!.status().length === 0);
    // The next one hears heartbeats, so it is created, and nothing else.
    cluster.network.filter = ({ message, toPeer }) =>
      toPeer?.storeId !== spare.storeId || message?.msgType === eraftpb.MessageType.MsgHeartbeat;
    const next = newPeerOn(cluster, spare, Learner);
    await change(cluster, 'learner', next);
    await cluster.until('it is there', () => spare.store!.status().length === 1);
    await cluster.world.advance(10_000);
    expect(spare.store!.status()[0]?.region?.peers).toEqual([]);
    await change(cluster, 'remove', next);
    await cluster.until('it is gone', () => spare.store!.status().length === 0, 10_000);
    cluster.network.filter = () => true;
    await addLearner(cluster, spare);
    await cluster.close();
  });
});

describe('a peer that is no member any more, on the range of a region that comes to its store', () => {
  it('makes way at once: a learner that nobody told does not keep a region without a quorum', async () => {
    const cluster = await TestCluster.start(3, { config: { allowBlankSecondVoter: true } });
    await cluster.put('a', 'v');
    const spare = await cluster.addNode();
    const learner = await addLearner(cluster, spare);
    cluster.crash(spare);
    await change(cluster, 'remove', learner);
    await cluster.run(cluster.orders.split('k'));
    const right = cluster.scheduler.mustRegion(Buffer.from('k')).id;
    await cluster.restart(spare);
    await cluster.run(cluster.orders.addPeer(right, spare));
    await cluster.until('the new peer has its data', () => cluster.statusOf(spare, right)?.appliedIndex !== 0);
    expect(cluster.statusOf(spare)).toBeUndefined();
    await cluster.close();
  });
});

describe('a peer that missed everything', () => {
  it('catches up when it is still a member', async () => {
    const cluster = await TestCluster.start(3, { config: { ...config, logGcThreshold: 5, logGcMaxEntries: 10 } });
    await cluster.put('k', 'v');
    await cluster.awaitLeader();
    const lost = followerOf(cluster);
    cluster.crash(lost);
    const spare = await cluster.addNode();
    await change(cluster, 'voter', await addLearner(cluster, spare));
    for (let number = 0; number < 30; number += 1) await cluster.put(`k${number}`, 'v');
    await cluster.restart(lost);
    await cluster.until('it has all', () => cluster.valueOn(lost, 'k29') === 'v');
    await cluster.until('by a snapshot', () => lost.store!.metrics().snapshotsApplied > 0);
    await cluster.until('it knows the members', () => cluster.statusOf(lost)?.region?.peers.length === 4);
    await cluster.close();
  });
});
