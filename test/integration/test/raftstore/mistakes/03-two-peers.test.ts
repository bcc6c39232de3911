import { eraftpb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { change, followerOf, peerOn } from '../membership/members.ts';

const lossy = { drop: 0.3, duplicate: 0.1, minDelayMs: 1, maxDelayMs: 40 };
const calm = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };

async function two(seed: number): Promise<{ cluster: TestCluster; leader: TestNode; follower: TestNode }> {
  const cluster = await TestCluster.start(2, { seed, config: { maxLeaderMissingMs: 5_000 } });
  await cluster.put('k', 'v');
  const leader = await cluster.awaitLeader();
  return { cluster, leader, follower: followerOf(cluster) };
}

async function leaves(cluster: TestCluster, gone: TestNode, left: TestNode): Promise<void> {
  cluster.network.faults = calm;
  await cluster.until('the one that was removed is gone', () => gone.store!.status().length === 0);
  await cluster.put('k', 'w');
  expect(await cluster.get('k')).toBe('w');
  expect(cluster.leader()).toBe(left);
  expect(cluster.statusOf(left)?.region?.peers).toHaveLength(1);
  await cluster.until('nothing is left of it', () => cluster.valueOn(gone, 'k') === undefined);
  // The one that is left starts alone.
  cluster.crash(left);
  await cluster.restart(left);
  expect(await cluster.get('k')).toBe('w');
}

// Mistake 3: removing the leader of a two-peer group: the leader applies and dies before the follower learns of the commit.
// Here a leader does not propose its own removal, so that no such commit exists.
describe('of two peers', () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    it(`the leader can be removed while messages are lost, from seed ${seed}`, async () => {
      const { cluster, leader, follower } = await two(seed);
      cluster.network.faults = lossy;
      await change(cluster, 'remove', peerOn(cluster, leader));
      await leaves(cluster, leader, follower);
      await cluster.close();
    });

    it(`the follower can be removed while messages are lost, from seed ${seed}`, async () => {
      const { cluster, leader, follower } = await two(seed);
      cluster.network.faults = lossy;
      cluster.scheduler.removePeer(cluster.region.id, peerOn(cluster, follower));
      await cluster.until('it is removed', () => cluster.scheduler.isSettled(cluster.region.id));
      await leaves(cluster, follower, leader);
      await cluster.close();
    });
  }

  it('the new leader may die right after the removal of the old, which never learns of the commit', async () => {
    const { cluster, leader, follower } = await two(1);
    let removalIndex = Number.POSITIVE_INFINITY;
    cluster.network.filter = ({ isTombstone, message }, from) => {
      // Nor does its successor's farewell arrive.
      if (isTombstone) return false;
      if (message === undefined || from !== follower.storeId) return true;
      const removal = message.entries.find(({ entryType }) => entryType === eraftpb.EntryType.EntryConfChange);
      removalIndex = removal?.index ?? removalIndex;
      return message.commit < removalIndex;
    };
    await change(cluster, 'remove', peerOn(cluster, leader));
    cluster.crash(follower);
    await cluster.world.advance(3_000);
    // Alone it is no quorum of the two that it knows of.
    expect(cluster.statusOf(leader)?.region?.peers).toHaveLength(2);
    expect(cluster.statusOf(leader)?.leader).toBeUndefined();
    cluster.network.filter = () => true;
    await cluster.restart(follower);
    await leaves(cluster, leader, follower);
    await cluster.close();
  });
});
