import { eraftpb } from '@flotilla/protocol';
import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { leaderOfKey, putKey, regionsOn, splitAt } from '../split-cluster.ts';

const { MessageType } = eraftpb;

// Mistake 7: votes for a new region that come before its store has split are replayed then, or the region waits for a second
// election.
describe('the first vote of a new region', () => {
  it('is kept by a store that has not split yet, and given once it has', async () => {
    // Elections take so long that a second one would show.
    const config = { electionTicks: 100, heartbeatTicks: 2 };
    const cluster = await TestCluster.start(3, { config });
    await putKey(cluster, 'a', '1');
    const leader = await cluster.awaitLeader();
    const [late, gone] = cluster.nodes.filter((node) => node !== leader);
    const parentId = cluster.region.id;
    await cluster.until(
      'the others have it',
      () => cluster.valueOn(late!, 'a') === '1' && cluster.valueOn(gone!, 'a') === '1',
    );
    // A store that was opened a moment ago refuses votes at first.
    await cluster.world.advance(5_000);
    // One store has the split, but is cut off from the new region, which so needs the vote of the other; that one hears
    // nothing of the split.
    let isLate = true;
    const seen: string[] = [];
    cluster.network.filter = ({ message, regionId, toPeer }) => {
      const isNew = regionId !== parentId;
      if (toPeer?.storeId === gone!.storeId) return !isNew;
      if (toPeer?.storeId !== late!.storeId) return true;
      if (isNew && message?.msgType === MessageType.MsgPreVote) seen.push('asked');
      return isNew || !isLate;
    };
    await splitAt(cluster, 'm');
    await cluster.until('the vote was asked for', () => seen.length > 0);
    await cluster.world.advance(20);
    expect(regionsOn(late!)).toHaveLength(1);
    expect(leaderOfKey(cluster, 'z')?.region.startKey).not.toEqual(Buffer.from('m'));
    isLate = false;
    await cluster.until('the late store has split', () => regionsOn(late!).length === 2);
    const at = cluster.world.nowMs;
    await cluster.until('the new region is led', () =>
      Buffer.from('m').equals(leaderOfKey(cluster, 'z')?.region.startKey ?? Buffer.alloc(0)),
    );
    expect(cluster.world.nowMs - at).toBeLessThan(100);
    await putKey(cluster, 'z', '1');
    await cluster.close();
  });
});
