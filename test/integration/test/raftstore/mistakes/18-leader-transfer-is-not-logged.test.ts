import { eraftpb } from '@flotilla/protocol';
import { errorOf, headerOf, putCommand, TestCluster, transferLeaderCommand } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { followerOf, peerOn } from '../membership/members.ts';

// Mistake 18: TransferLeader is not logged: answer at once; block proposals while one is pending, and not for ever.
describe('a transfer of leadership', () => {
  it('is answered before anything is sent, and blocks proposals until it is given up', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const target = peerOn(cluster, followerOf(cluster));
    cluster.network.filter = ({ message }) => message?.msgType !== eraftpb.MessageType.MsgTimeoutNow;
    const header = headerOf(cluster.regionOn(leader));
    const index = cluster.statusOf(leader)!.lastIndex;
    const at = cluster.world.nowMs;
    expect(errorOf(await cluster.execute(leader, transferLeaderCommand(header, target)))).toBeUndefined();
    expect(cluster.world.nowMs).toBe(at);
    expect(cluster.statusOf(leader)!.lastIndex).toBe(index);
    let refusals = 0;
    for (;;) {
      const error = errorOf(await cluster.execute(leader, putCommand(header, 'k', 'w')));
      if (error === undefined) break;
      expect(error.serverIsBusy?.reason).toContain('being transferred');
      refusals += 1;
      await cluster.world.advance(10);
      // Ten ticks of 50 ms are the election timeout after which it is given up.
      expect(cluster.world.nowMs - at).toBeLessThan(1_000);
    }
    expect(refusals).toBeGreaterThan(10);
    expect(cluster.leader()).toBe(leader);
    await cluster.close();
  });

  it('that is ordered again and again to a target that is gone does not keep proposals blocked', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    const target = peerOn(cluster, follower);
    cluster.crash(follower);
    cluster.scheduler.transferLeader(cluster.region.id, target);
    await cluster.world.advance(2_000);
    const header = headerOf(cluster.regionOn(leader));
    for (let number = 0; number < 20; number += 1) {
      expect(errorOf(await cluster.execute(leader, putCommand(header, `k${number}`, 'w')))).toBeUndefined();
      await cluster.world.advance(50);
    }
    await cluster.restart(follower);
    await cluster.until('it leads at last', () => cluster.leader() === follower);
    await cluster.close();
  });
});
