import { eraftpb, metapb } from '@flotilla/protocol';
import {
  changePeerCommand,
  errorOf,
  headerOf,
  snapCommand,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, changes, confVerOn, followerOf, newPeerOn, peerOn, rolesOn } from './members.ts';

const { Learner, Voter } = metapb.PeerRole;

async function withSpare(count: number): Promise<{ cluster: TestCluster; spare: TestNode }> {
  const cluster = await TestCluster.start(count);
  await cluster.put('k', 'v');
  const spare = await cluster.addNode();
  return { cluster, spare };
}

describe('a learner', () => {
  it('gets everything and counts for nothing', async () => {
    const { cluster, spare } = await withSpare(1);
    const [first] = cluster.nodes;
    const learner = await addLearner(cluster, spare);
    await cluster.until('it has all', () => cluster.valueOn(spare, 'k') === 'v');
    expect(rolesOn(cluster, spare)).toEqual({ [peerOn(cluster, first!).id]: Voter, [learner.id]: Learner });
    // Its store is dead: a group with it as a voter could do nothing any more.
    cluster.crash(spare);
    await cluster.world.advance(5_000);
    await cluster.put('k', 'w');
    expect(await cluster.get('k')).toBe('w');
    await cluster.restart(spare);
    await cluster.until('it has caught up', () => cluster.valueOn(spare, 'k') === 'w');
    await cluster.close();
  });

  it('never campaigns, and refuses to be led to', async () => {
    const { cluster, spare } = await withSpare(3);
    const learner = await addLearner(cluster, spare);
    const leader = await cluster.awaitLeader();
    const command = transferLeaderCommand(headerOf(cluster.regionOn(leader)), learner);
    expect(errorOf(await cluster.execute(leader, command))?.invalidRequest?.reason).toContain('no voter');
    const asked = new Set<number>();
    cluster.network.filter = ({ message }, from) => {
      const { MsgPreVote, MsgRequestVote } = eraftpb.MessageType;
      if (message?.msgType === MsgPreVote || message?.msgType === MsgRequestVote) asked.add(from);
      return true;
    };
    cluster.crash(leader);
    const next = await cluster.awaitLeader(leader);
    await cluster.world.advance(3_000);
    expect(next).not.toBe(spare);
    expect(asked.size).toBeGreaterThan(0);
    expect(asked.has(spare.storeId)).toBe(false);
    await cluster.close();
  });

  it('is promoted to a voter, and demoted to a learner again; each step is one conf_ver', async () => {
    const { cluster, spare } = await withSpare(2);
    const learner = await addLearner(cluster, spare);
    const before = confVerOn(cluster, spare);
    const promoted = await change(cluster, 'voter', { ...learner, role: Voter });
    expect(promoted.peers.find(({ id }) => id === learner.id)?.role).toBe(Voter);
    await cluster.until('it knows', () => rolesOn(cluster, spare)[learner.id] === Voter);
    expect(confVerOn(cluster, spare)).toBe(before + 1);
    const leader = await cluster.awaitLeader();
    await cluster.retry((node) => transferLeaderCommand(headerOf(cluster.regionOn(node)), learner));
    await cluster.until('it leads', () => cluster.leader() === spare);
    await cluster.retry((node) => transferLeaderCommand(headerOf(cluster.regionOn(node)), peerOn(cluster, leader)));
    await cluster.until('the old one leads', () => cluster.leader() === leader);
    await change(cluster, 'learner', learner);
    await cluster.until('it is a learner again', () => rolesOn(cluster, spare)[learner.id] === Learner);
    expect(confVerOn(cluster, spare)).toBe(before + 2);
    await cluster.close();
  });

  it('keeps its role through a restart and a snapshot', async () => {
    const cluster = await TestCluster.start(3, { config: { logGcThreshold: 5, logGcMaxEntries: 10 } });
    const spare = await cluster.addNode();
    for (let number = 0; number < 20; number += 1) await cluster.put(`k${number}`, 'v');
    const learner = await addLearner(cluster, spare);
    expect(spare.store!.metrics().snapshotsApplied).toBeGreaterThan(0);
    for (const node of cluster.nodes) {
      cluster.crash(node);
      await cluster.restart(node);
    }
    await cluster.awaitLeader();
    await cluster.put('k', 'w');
    await cluster.until('it has caught up', () => cluster.valueOn(spare, 'k') === 'w');
    for (const node of cluster.nodes) expect(rolesOn(cluster, node)[learner.id]).toBe(Learner);
    expect(cluster.leader()).not.toBe(spare);
    await cluster.close();
  });

  it('is removed, and destroys itself although it never asks for votes', async () => {
    const { cluster, spare } = await withSpare(3);
    const learner = await addLearner(cluster, spare);
    await change(cluster, 'remove', learner);
    await cluster.until('it is gone', () => spare.store!.status().length === 0);
    await cluster.until('its data are gone', () => cluster.valueOn(spare, 'k') === undefined);
    await cluster.close();
  });

  it('serves nothing that a leader serves', async () => {
    const { cluster, spare } = await withSpare(1);
    await addLearner(cluster, spare);
    const result = await cluster.execute(spare, snapCommand(headerOf(cluster.regionOn(spare))));
    expect(errorOf(result)?.notLeader?.leader?.storeId).toBe(cluster.nodes[0]!.storeId);
    await cluster.close();
  });
});

describe('a change of one peer is refused', () => {
  it('when it fits neither the peers nor their roles', async () => {
    const { cluster, spare } = await withSpare(1);
    const leader = await cluster.awaitLeader();
    const self = peerOn(cluster, leader);
    const learner = await addLearner(cluster, spare);
    const attempt = async (kind: keyof typeof changes, peer: metapb.Peer) => {
      const header = headerOf(cluster.regionOn(leader));
      const result = await cluster.execute(leader, changePeerCommand(header, changes[kind], peer));
      return errorOf(result)?.invalidRequest?.reason;
    };
    const before = confVerOn(cluster, leader);
    expect(await attempt('learner', learner)).toContain('in that role');
    expect(await attempt('voter', self)).toContain('in that role');
    expect(await attempt('voter', { ...learner, storeId: 77 })).toContain('is on store');
    expect(await attempt('learner', newPeerOn(cluster, spare))).toContain('already has a peer on store');
    expect(await attempt('remove', newPeerOn(cluster, spare))).toContain('has no peer');
    expect(await attempt('learner', self)).toContain('the last voter');
    expect(await attempt('remove', self)).toContain('the last voter');
    expect(await attempt('voter', metapb.Peer.create({ storeId: 5 }))).toContain('has an id');
    expect(await attempt('voter', metapb.Peer.create({ id: 500 }))).toContain('has a store');
    expect(confVerOn(cluster, leader)).toBe(before);
    await change(cluster, 'remove', learner);
    await cluster.close();
  });

  it('when too few of its voters would be alive and caught up, unless that is allowed', async () => {
    for (const allowUnsafeMemberChanges of [false, true]) {
      const cluster = await TestCluster.start(3, { config: { allowUnsafeMemberChanges } });
      await cluster.put('k', 'v');
      const leader = await cluster.awaitLeader();
      const dead = followerOf(cluster);
      const spare = await cluster.addNode();
      cluster.crash(dead);
      await cluster.world.advance(3_000);
      // Of four voters two would be alive and have the log.
      const peer = newPeerOn(cluster, spare);
      const command = changePeerCommand(headerOf(cluster.regionOn(leader)), changes.voter, peer);
      const error = errorOf(await cluster.execute(leader, command));
      if (allowUnsafeMemberChanges) {
        expect(error).toBeUndefined();
      } else {
        expect(error?.serverIsBusy?.reason).toContain('too few voters');
        const learner = await addLearner(cluster, spare);
        await change(cluster, 'voter', learner);
      }
      await cluster.until('the new voter has all', () => cluster.valueOn(spare, 'k') === 'v');
      await cluster.put('k', 'w');
      await cluster.close();
    }
  });

  it('when a sole voter would depend on a second that may be dead', async () => {
    const cluster = await TestCluster.start(1, { config: { allowBlankSecondVoter: false } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const spare = await cluster.addNode();
    cluster.crash(spare);
    const attempt = async (peer: metapb.Peer) => {
      const command = changePeerCommand(headerOf(cluster.regionOn(leader)), changes.voter, peer);
      return errorOf(await cluster.execute(leader, command))?.serverIsBusy?.reason;
    };
    expect(await attempt(newPeerOn(cluster, spare))).toContain('too few voters');
    const learner = newPeerOn(cluster, spare, Learner);
    await change(cluster, 'learner', learner);
    // Neither is it promoted before it has caught up, nor while it is not heard of.
    expect(await attempt(learner)).toContain('too few voters');
    await cluster.put('k', 'w');
    await cluster.restart(spare);
    await cluster.until('it has caught up', () => cluster.valueOn(spare, 'k') === 'w');
    await change(cluster, 'voter', learner);
    cluster.crash(spare);
    await cluster.world.advance(2_000);
    await cluster.restart(spare);
    await cluster.put('k', 'x');
    await cluster.close();
  });
});
