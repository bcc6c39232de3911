import { flotillapb } from '@flotilla/protocol';
import { TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, followerOf, heartbeatsOf } from '../membership/members.ts';
import { splitAt } from '../split-cluster.ts';

const { RaftRole } = flotillapb;
/** Heartbeats come every hour, but for those that a change calls for. */
const config = { regionHeartbeatIntervalMs: 3_600_000 };

/** Three voters, made while heartbeats are frequent; from then on a heartbeat tells of a change. */
async function quiet(): Promise<{ cluster: TestCluster; spare: TestNode }> {
  const cluster = await TestCluster.start(3);
  await cluster.put('k', 'v');
  const spare = await cluster.addNode();
  for (const node of cluster.nodes) {
    node.config = { ...node.config, ...config };
    cluster.crash(node);
    await cluster.restart(node);
  }
  await cluster.awaitLeader();
  await cluster.world.advance(3_000);
  return { cluster, spare };
}

// Mistake 12: heartbeat the scheduler after a conf change, a split and a leadership change; a candidate's heartbeat misleads.
describe('the scheduler hears at once', () => {
  it('of changes of membership, of a split and of a new leader, and of nothing else', async () => {
    const { cluster, spare } = await quiet();
    const heartbeats = heartbeatsOf(cluster);
    const leader = await cluster.awaitLeader();
    await cluster.world.advance(5_000);
    expect(heartbeats).toHaveLength(0);
    const learner = await addLearner(cluster, spare);
    await cluster.world.advance(100);
    expect(heartbeats.at(-1)?.region?.peers.some(({ id }) => id === learner.id)).toBe(true);
    const promoted = await change(cluster, 'voter', learner);
    await cluster.world.advance(100);
    expect(heartbeats.at(-1)?.region?.regionEpoch).toEqual(promoted.regionEpoch);
    const parts = await splitAt(cluster, 'm');
    await cluster.until('both parts are known', () =>
      parts.every(({ id }) => heartbeats.some(({ region }) => region?.id === id && region.regionEpoch!.version > 1)),
    );
    cluster.crash(leader);
    const next = await cluster.awaitLeader(leader);
    await cluster.world.advance(100);
    expect(heartbeats.findLast(({ region }) => region?.id === cluster.region.id)?.leader?.storeId).toBe(next.storeId);
    await cluster.close();
  });

  it('never from a candidate', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    await cluster.awaitLeader();
    const candidate = followerOf(cluster);
    const heartbeats = heartbeatsOf(cluster);
    const others = cluster.nodes.filter((node) => node !== candidate).map((node) => node.storeId);
    for (const storeId of others) {
      cluster.network.cut(candidate.storeId, storeId);
      cluster.network.cut(storeId, candidate.storeId);
    }
    await cluster.until('it campaigns', () => {
      const role = cluster.statusOf(candidate)?.role;
      return role === RaftRole.PreCandidate || role === RaftRole.Candidate;
    });
    const spare = await cluster.addNode();
    await addLearner(cluster, spare);
    await cluster.world.advance(5_000);
    expect(heartbeats.length).toBeGreaterThan(10);
    expect(heartbeats.filter((heartbeat) => heartbeat.leader?.storeId === candidate.storeId)).toEqual([]);
    await cluster.close();
  });
});
