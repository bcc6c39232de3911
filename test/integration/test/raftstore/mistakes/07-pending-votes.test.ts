import { RaftLogStore } from '@flotilla/engine';
import { eraftpb, flotillapb } from '@flotilla/protocol';
import { errorOf, headerOf, splitCommand, TestCluster } from '@flotilla/test-harness';
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

  it('that a peer gave which knew nothing but its id is still given when a split makes the region after a restart', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await putKey(cluster, 'a', '1');
    const newRegionId = cluster.scheduler.allocId();
    const newPeerId = cluster.scheduler.allocId();
    const logStore = new RaftLogStore(node!.raftEngine);
    const batch = node!.raftEngine.batch();
    logStore.putState(batch, newRegionId, { hardState: { term: 9, vote: 77, commit: 0 }, lastIndex: 0, lastTerm: 0 });
    await node!.raftEngine.write(batch, { sync: true });
    cluster.crash(node!);
    await cluster.restart(node!);
    await cluster.awaitLeader();
    const split = splitCommand(headerOf(cluster.regionOn(node!)), Buffer.from('m'), newRegionId, [newPeerId]);
    expect(errorOf(await cluster.execute(node!, split))).toBeUndefined();
    await cluster.until('the new region is led', () => {
      return cluster.statusOf(node!, newRegionId)?.role === flotillapb.RaftRole.Leader;
    });
    // It campaigned in the term after the one in which the vote was given.
    expect(cluster.statusOf(node!, newRegionId)?.term).toBe(10);
    await cluster.close();
  });
});
