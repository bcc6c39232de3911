import { eraftpb, metapb } from '@flotilla/protocol';
import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { change, followerOf, newPeerOn } from '../membership/members.ts';

const { MsgAppend, MsgAppendResponse, MsgHeartbeat } = eraftpb.MessageType;

// Mistake 10: a heartbeat's commit is min(match, committed), else followers over-commit and new peers never get created.
describe('the commit index of a heartbeat', () => {
  it('never passes what its follower has acknowledged in that term', async () => {
    const cluster = await TestCluster.start(3, { seed: 3, config: { logGcThreshold: 10, logGcMaxEntries: 30 } });
    // What was acknowledged in the term that it began in was not seen.
    const firstTerm = cluster.statusOf(await cluster.awaitLeader())!.term;
    const acknowledged = new Map<string, number>();
    const violations: string[] = [];
    let heartbeats = 0;
    cluster.network.faults = { drop: 0.1, duplicate: 0, minDelayMs: 1, maxDelayMs: 40 };
    cluster.network.filter = ({ message, fromPeer, toPeer }) => {
      if (message === undefined) return true;
      // Counted when sent: what the leader knows can only be less.
      const { msgType, term, index, commit, reject } = message;
      if (msgType === MsgAppendResponse && !reject) {
        const key = `${term} ${fromPeer!.id}`;
        acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, index));
      }
      if (msgType !== MsgHeartbeat || term === firstTerm) return true;
      heartbeats += 1;
      const match = acknowledged.get(`${term} ${toPeer!.id}`) ?? 0;
      if (commit > match) violations.push(`${commit} > ${match} to peer ${toPeer!.id} in term ${term}`);
      return true;
    };
    for (let round = 0; round < 6; round += 1) {
      const leader = await cluster.awaitLeader();
      const follower = followerOf(cluster);
      cluster.network.partition([cluster.nodes.filter((node) => node !== follower).map((node) => node.storeId)]);
      for (let number = 0; number < 10; number += 1) await cluster.put(`k${round} ${number}`, 'v');
      cluster.network.heal();
      await cluster.world.advance(300);
      cluster.crash(leader);
      await cluster.awaitLeader(leader);
      await cluster.restart(leader);
    }
    expect(heartbeats).toBeGreaterThan(50);
    expect(violations).toEqual([]);
    await cluster.close();
  });

  it('is 0 to a peer that is to be created, however long its store was away', async () => {
    const cluster = await TestCluster.start(1);
    for (let number = 0; number < 20; number += 1) await cluster.put(`k${number}`, 'v');
    const spare = await cluster.addNode();
    cluster.crash(spare);
    const peer = newPeerOn(cluster, spare, metapb.PeerRole.Learner);
    const commits = new Set<number>();
    let appends = 0;
    cluster.network.filter = ({ message, toPeer }) => {
      if (toPeer?.id !== peer.id) return true;
      if (message?.msgType === MsgHeartbeat && spare.store === undefined) commits.add(message.commit);
      if (message?.msgType === MsgAppend) appends += 1;
      return true;
    };
    await change(cluster, 'learner', peer);
    await cluster.put('k', 'w');
    await cluster.world.advance(5_000);
    expect([...commits]).toEqual([0]);
    expect(appends).toBeGreaterThan(0);
    await cluster.restart(spare);
    await cluster.until('it is created and has all', () => cluster.valueOn(spare, 'k') === 'w');
    await cluster.close();
  });
});
