import { errorOf, getCommand, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const config = { hibernateAfterMs: 1_000 };

function sleepers(cluster: TestCluster): number {
  return cluster.nodes.reduce((sum, node) => sum + (node.store?.metrics().hibernatingPeers ?? 0), 0);
}

async function asleep(size = 3): Promise<{ cluster: TestCluster; leader: TestNode; followers: TestNode[] }> {
  const cluster = await TestCluster.start(size, { config });
  await cluster.put('k', 'v');
  await cluster.until('all sleep', () => sleepers(cluster) === size);
  const leader = await cluster.awaitLeader();
  return { cluster, leader, followers: cluster.nodes.filter((node) => node !== leader) };
}

function termOf(cluster: TestCluster, node: TestNode): number {
  return cluster.statusOf(node)?.term ?? 0;
}

describe('an idle region', () => {
  it('sleeps, sends no raft message and elects nobody, however long; and is led as before when it wakes', async () => {
    const { cluster, leader } = await asleep();
    const term = termOf(cluster, leader);
    let messages = 0;
    cluster.network.filter = ({ message }) => {
      if (message !== undefined) messages += 1;
      return true;
    };
    await cluster.world.advance(120_000);
    expect(messages).toBe(0);
    expect(sleepers(cluster)).toBe(3);
    const wokenAtMs = cluster.world.nowMs;
    expect(
      errorOf(await cluster.execute(leader, putCommand(headerOf(cluster.regionOn(leader)), 'k', 'w'))),
    ).toBeUndefined();
    expect(cluster.world.nowMs - wokenAtMs).toBeLessThan(20);
    expect(termOf(cluster, leader)).toBe(term);
    expect(await cluster.get('k')).toBe('w');
    await cluster.until('it sleeps again', () => sleepers(cluster) === 3);
    expect(termOf(cluster, leader)).toBe(term);
    await cluster.close();
  });

  it('wakes for a read on the leader and on a replica, without an election', async () => {
    const { cluster, leader, followers } = await asleep();
    const term = termOf(cluster, leader);
    for (const [node, replicaRead] of [
      [leader, false],
      [followers[0]!, true],
    ] as const) {
      await cluster.until('all sleep', () => sleepers(cluster) === 3);
      const header = { ...headerOf(cluster.regionOn(node)), replicaRead };
      const { response } = await cluster.execute(node, getCommand(header, 'k'));
      expect(Buffer.from(response.responses[0]?.get?.value ?? []).toString()).toBe('v');
      await cluster.world.advance(100);
      expect(sleepers(cluster)).toBe(0);
    }
    // A command that a follower refuses wakes nobody.
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    const refused = await cluster.execute(followers[0]!, getCommand(headerOf(cluster.regionOn(followers[0]!)), 'k'));
    expect(errorOf(refused)?.notLeader?.leader?.storeId).toBe(leader.storeId);
    expect(sleepers(cluster)).toBe(3);
    expect(termOf(cluster, leader)).toBe(term);
    await cluster.close();
  });

  it('finds out that the store of its leader is gone, and elects another', async () => {
    const { cluster, leader } = await asleep();
    const crashedAtMs = cluster.world.nowMs;
    cluster.crash(leader);
    const next = await cluster.awaitLeader(leader);
    // An election timeout of silence, and no more than a few more for the election.
    expect(cluster.world.nowMs - crashedAtMs).toBeLessThan(4_000);
    await cluster.put('k', 'after');
    await cluster.until('the two that are left sleep', () => sleepers(cluster) === 2);
    await cluster.restart(leader);
    await cluster.until('the third has caught up', () => cluster.valueOn(leader, 'k') === 'after');
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    expect(cluster.leader()).toBe(next);
    await cluster.close();
  });

  it('finds out that the store of its leader was restarted within the time that silence takes', async () => {
    const { cluster, leader } = await asleep();
    cluster.crash(leader);
    await cluster.restart(leader);
    const restartedAtMs = cluster.world.nowMs;
    await cluster.until('somebody leads', () => cluster.leader() !== undefined && sleepers(cluster) === 0);
    expect(cluster.world.nowMs - restartedAtMs).toBeLessThan(4_000);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('that a partition leaves on both sides has one leader that serves, and none that lies', async () => {
    const { cluster, leader, followers } = await asleep();
    cluster.network.partition([[leader.storeId], followers.map(({ storeId }) => storeId)]);
    const next = await (async () => {
      await cluster.until('the majority elects', () =>
        followers.some((node) => cluster.statusOf(node)?.leader?.storeId === node.storeId),
      );
      return followers.find((node) => cluster.statusOf(node)?.leader?.storeId === node.storeId)!;
    })();
    await cluster.put('k', 'new');
    await cluster.until('the old leader steps down', () => cluster.statusOf(leader)?.leader === undefined);
    const stale = leader.store!.execute(getCommand(headerOf(cluster.regionOn(leader)), 'k'));
    expect(errorOf(await cluster.run(stale))?.notLeader).toBeDefined();
    cluster.network.heal();
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    expect(cluster.leader()).toBe(next);
    for (const node of cluster.nodes) expect(cluster.valueOn(node, 'k')).toBe('new');
    await cluster.close();
  });

  it('does not sleep while a member is behind or does not agree', async () => {
    const { cluster, followers } = await asleep();
    const slow = followers[0]!;
    cluster.network.filter = ({ message, toPeer }) => toPeer?.storeId !== slow.storeId || message === undefined;
    await cluster.put('k', 'w');
    await cluster.world.advance(10_000);
    expect(sleepers(cluster)).toBeLessThan(3);
    expect(
      cluster.nodes.filter((node) => node !== slow).every((node) => node.store!.metrics().hibernatingPeers === 0),
    ).toBe(true);
    cluster.network.filter = () => true;
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    expect(cluster.valueOn(slow, 'k')).toBe('w');
    await cluster.close();
  });

  it('has a void lease when it wakes', async () => {
    const cluster = await TestCluster.start(3, { config: { ...config, leaseReads: true } });
    await cluster.put('k', 'v');
    await cluster.until('all sleep', () => sleepers(cluster) === 3);
    const leader = await cluster.awaitLeader();
    await cluster.world.advance(5_000);
    cluster.network.partition([[leader.storeId]]);
    let isAnswered = false;
    void leader.store!.execute(getCommand(headerOf(cluster.regionOn(leader)), 'k')).then(({ response }) => {
      isAnswered = response.header?.error === undefined;
    });
    await cluster.world.advance(20);
    expect(isAnswered).toBe(false);
    await cluster.close();
  });
});

describe('a region of one peer', () => {
  it('sleeps and wakes by itself', async () => {
    const { cluster } = await asleep(1);
    await cluster.put('k', 'w');
    expect(await cluster.get('k')).toBe('w');
    await cluster.until('it sleeps', () => sleepers(cluster) === 1);
    await cluster.close();
  });
});
