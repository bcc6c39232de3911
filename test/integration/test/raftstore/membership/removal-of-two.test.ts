import { TestCluster } from '@flotilla/test-harness';
import { expect, it } from 'vitest';

it('goes on after the leader of two ended right after it had the other one removed', async () => {
  // The leader's log is slow, so that its commit index is not on disk when it ends.
  for (let events = 0; events < 60; events += 1) {
    const cluster = await TestCluster.start(2, { syncMs: { min: 2, max: 3 } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const other = cluster.nodes.find((node) => node !== leader)!;
    const { id } = cluster.region;
    cluster.scheduler.removePeer(id, cluster.orders.peerOn(id, other));
    const before = cluster.statusOf(other)?.lastIndex ?? 0;
    await cluster.until(
      'the other one has the change',
      () => (cluster.statusOf(other)?.lastIndex ?? before + 1) > before,
    );
    for (let event = 0; event < events; event += 1) await cluster.world.advance(0.25);
    cluster.crash(leader);
    await cluster.sleep(300);
    await cluster.restart(leader);
    await cluster.until(`a leader after ${events} events`, () => cluster.leader() !== undefined, 20_000);
    await cluster.orders.settled(id);
    await cluster.put('k', 'w');
    expect(cluster.valueOn(leader, 'k')).toBe('w');
    await cluster.close();
  }
});
