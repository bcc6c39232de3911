import { metapb, raft_serverpb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import {
  addLearner,
  change,
  changeTogether,
  followerOf,
  heartbeatsOf,
  peerOn,
  rolesOn,
  stateOnDisk,
} from './members.ts';

const { Learner } = metapb.PeerRole;
const config = { maxPeerDownMs: 2_000, maxLeaderMissingMs: 5_000, logGcThreshold: 10, logGcMaxEntries: 30 };

/** Three voters of which one is dead, and an empty fourth store. */
async function withDead(): Promise<{ cluster: TestCluster; dead: TestNode; spare: TestNode }> {
  const cluster = await TestCluster.start(3, { config });
  for (let number = 0; number < 20; number += 1) await cluster.put(`k${number}`, 'v');
  await cluster.awaitLeader();
  const dead = followerOf(cluster);
  cluster.crash(dead);
  return { cluster, dead, spare: await cluster.addNode() };
}

async function whole(cluster: TestCluster, dead: TestNode, spare: TestNode): Promise<void> {
  await cluster.put('k', 'w');
  await cluster.until(
    'the new store has all',
    () => [cluster.valueOn(spare, 'k19'), cluster.valueOn(spare, 'k')].join() === ['v', 'w'].join(),
  );
  // With the old one dead for good, one more may fail.
  const leader = await cluster.awaitLeader();
  const other = cluster.nodes.find((node) => node !== leader && node !== dead && node !== spare)!;
  cluster.crash(other);
  await cluster.put('k', 'x');
  await cluster.restart(other);
  await cluster.restart(dead);
  await cluster.until('what came back is destroyed', () => dead.store!.status().length === 0, 20_000);
  await cluster.until('its data are gone', () => cluster.valueOn(dead, 'k19') === undefined);
  expect(stateOnDisk(cluster, dead)?.state).toBe(raft_serverpb.PeerState.Tombstone);
  await cluster.put('k', 'y');
}

describe('a dead store', () => {
  it('is told of as down, for how long, and as behind once the log has gone on', async () => {
    const { cluster, dead } = await withDead();
    const peer = peerOn(cluster, dead);
    const heartbeats = heartbeatsOf(cluster);
    await cluster.world.advance(1_000);
    expect(heartbeats.at(-1)?.downPeers).toEqual([]);
    await cluster.world.advance(5_000);
    const [down] = heartbeats.at(-1)!.downPeers;
    expect(down?.peer?.id).toBe(peer.id);
    expect(down?.downSeconds).toBeGreaterThanOrEqual(4);
    expect(down?.downSeconds).toBeLessThanOrEqual(7);
    for (let number = 0; number < 60; number += 1) await cluster.put(`k${number}`, 'w');
    await cluster.world.advance(500);
    expect(heartbeats.at(-1)?.pendingPeers.map(({ id }) => id)).toEqual([peer.id]);
    await cluster.restart(dead);
    await cluster.until('it has caught up', () => cluster.valueOn(dead, 'k59') === 'w');
    await cluster.world.advance(500);
    expect(heartbeats.at(-1)).toMatchObject({ downPeers: [], pendingPeers: [] });
    await cluster.close();
  });

  it('is told of as down although its region hibernates', async () => {
    const hibernating = { ...config, hibernateAfterMs: 500, idleRegionHeartbeatIntervalMs: 1_000 };
    const cluster = await TestCluster.start(3, { config: hibernating });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    await cluster.until('the region hibernates', () => leader.store!.metrics().hibernatingPeers === 1);
    const dead = followerOf(cluster);
    const peer = peerOn(cluster, dead);
    const heartbeats = heartbeatsOf(cluster);
    cluster.crash(dead);
    await cluster.world.advance(15_000);
    expect(leader.store!.metrics().hibernatingPeers).toBe(1);
    const down = heartbeats.at(-1)!.downPeers;
    expect(down.map((one) => one.peer?.id)).toEqual([peer.id]);
    expect(down[0]!.downSeconds).toBeGreaterThan(8);
    await cluster.restart(dead);
    await cluster.world.advance(5_000);
    expect(heartbeats.at(-1)?.downPeers).toEqual([]);
    await cluster.close();
  });

  it('is replaced: a learner on a fourth store, its promotion, the removal of the dead', async () => {
    const { cluster, dead, spare } = await withDead();
    const gone = peerOn(cluster, dead);
    const learner = await addLearner(cluster, spare);
    await change(cluster, 'voter', learner);
    await change(cluster, 'remove', gone);
    await whole(cluster, dead, spare);
    await cluster.close();
  });

  it('is replaced by one joint change, and what is left of it removed', async () => {
    const { cluster, dead, spare } = await withDead();
    const gone = peerOn(cluster, dead);
    const learner = await addLearner(cluster, spare);
    await changeTogether(cluster, [
      ['voter', learner],
      ['learner', gone],
    ]);
    const leader = await cluster.awaitLeader();
    await cluster.until('the dead is a learner', () => rolesOn(cluster, leader)[gone.id] === Learner);
    await change(cluster, 'remove', gone);
    await whole(cluster, dead, spare);
    await cluster.close();
  });
});
