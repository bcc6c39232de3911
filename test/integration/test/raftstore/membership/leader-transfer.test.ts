import { eraftpb, metapb } from '@flotilla/protocol';
import {
  errorOf,
  headerOf,
  putCommand,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { change, followerOf, newPeerOn, peerOn } from './members.ts';

const { MsgAppend, MsgTimeoutNow } = eraftpb.MessageType;

async function transfer(cluster: TestCluster, leader: TestNode, target: metapb.Peer) {
  return errorOf(await cluster.execute(leader, transferLeaderCommand(headerOf(cluster.regionOn(leader)), target)));
}

describe('a transfer of leadership is refused', () => {
  it('for a peer that is unknown, or lost, or has fallen too far behind', async () => {
    const cluster = await TestCluster.start(3, { config: { maxTransferLagEntries: 5 } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    const unknown = metapb.Peer.create({ id: 4711, storeId: 1 });
    expect((await transfer(cluster, leader, unknown))?.invalidRequest?.reason).toContain('no peer 4711');
    // It answers heartbeats and gets no entries.
    cluster.network.filter = ({ message, toPeer }) =>
      toPeer?.storeId !== follower.storeId || message?.msgType !== MsgAppend;
    for (let number = 0; number < 8; number += 1) await cluster.put(`k${number}`, 'v');
    expect((await transfer(cluster, leader, peerOn(cluster, follower)))?.serverIsBusy?.reason).toContain('behind');
    cluster.network.filter = () => true;
    cluster.crash(follower);
    await cluster.world.advance(2_000);
    expect((await transfer(cluster, leader, peerOn(cluster, follower)))?.serverIsBusy?.reason).toContain('heard of');
    expect(cluster.leader()).toBe(leader);
    await cluster.close();
  });

  it('for a peer that needs a snapshot', async () => {
    const cluster = await TestCluster.start(3, { config: { logGcThreshold: 5, logGcMaxEntries: 10 } });
    const leader = await cluster.awaitLeader();
    const follower = followerOf(cluster);
    cluster.network.filter = ({ message, toPeer }) =>
      toPeer?.storeId !== follower.storeId || message?.msgType !== MsgAppend;
    for (let number = 0; number < 40; number += 1) await cluster.put(`k${number}`, 'v');
    await cluster.until('the log has gone on', () => cluster.statusOf(leader)!.firstIndex > 20);
    expect((await transfer(cluster, leader, peerOn(cluster, follower)))?.serverIsBusy?.reason).toContain('snapshot');
    await cluster.close();
  });

  it('with an epoch that is old in either part', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const region = cluster.regionOn(leader);
    const target = peerOn(cluster, followerOf(cluster));
    const epoch = region.regionEpoch!;
    for (const regionEpoch of [
      { ...epoch, confVer: epoch.confVer - 1 },
      { ...epoch, version: epoch.version - 1 },
    ]) {
      const command = transferLeaderCommand(headerOf({ ...region, regionEpoch }), target);
      expect(errorOf(await cluster.execute(leader, command))?.epochNotMatch?.currentRegions).toHaveLength(1);
    }
    await cluster.close();
  });
});

describe('a transfer of leadership', () => {
  it('to the leader itself is done already', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    expect(await transfer(cluster, leader, peerOn(cluster, leader))).toBeUndefined();
    await cluster.put('k', 'v');
    expect(cluster.leader()).toBe(leader);
    await cluster.close();
  });

  it('writes no entry', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    cluster.network.filter = ({ message }) => message?.msgType !== MsgTimeoutNow;
    const before = cluster.statusOf(leader)!.lastIndex;
    expect(await transfer(cluster, leader, peerOn(cluster, followerOf(cluster)))).toBeUndefined();
    await cluster.world.advance(100);
    expect(cluster.statusOf(leader)!.lastIndex).toBe(before);
    await cluster.close();
  });

  it('that its target never hears of is given up, and another one then works', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const [one, two] = cluster.nodes.filter((node) => node !== leader);
    cluster.network.filter = ({ message, toPeer }) =>
      message?.msgType !== MsgTimeoutNow || toPeer?.storeId !== one!.storeId;
    expect(await transfer(cluster, leader, peerOn(cluster, one!))).toBeUndefined();
    const blocked = await cluster.execute(leader, putCommand(headerOf(cluster.regionOn(leader)), 'k', 'v'));
    expect(errorOf(blocked)?.serverIsBusy?.reason).toContain('being transferred');
    await cluster.put('k', 'v');
    expect(cluster.leader()).toBe(leader);
    expect(await transfer(cluster, leader, peerOn(cluster, two!))).toBeUndefined();
    await cluster.until('the other leads', () => cluster.leader() === two);
    await cluster.put('k', 'w');
    await cluster.close();
  });

  it('is overtaken by the removal of its target', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const target = followerOf(cluster);
    const peer = peerOn(cluster, target);
    cluster.network.filter = ({ message }) => message?.msgType !== MsgTimeoutNow;
    expect(await transfer(cluster, leader, peer)).toBeUndefined();
    await change(cluster, 'remove', peer);
    await cluster.put('k', 'v');
    const spare = await cluster.addNode();
    await change(cluster, 'voter', newPeerOn(cluster, spare));
    await cluster.close();
  });
});
