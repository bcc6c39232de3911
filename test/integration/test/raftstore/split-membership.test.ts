import { eraftpb, metapb } from '@flotilla/protocol';
import type { CommandResult } from '@flotilla/raftstore';
import { changePeerCommand, errorOf, headerOf, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, changeTogether, newPeerOn, peerOn } from './membership/members.ts';
import { awaitRegions, leaderOfKey, outline, putKey, regionsOn, splitAt } from './split-cluster.ts';

const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;

function rolesOf(region: metapb.Region): metapb.PeerRole[] {
  return region.peers.map(({ role }) => role).sort();
}

async function withSpare(): Promise<{ cluster: TestCluster; leader: TestNode; spare: TestNode }> {
  const cluster = await TestCluster.start(3);
  await putKey(cluster, 'a', '1');
  const spare = await cluster.addNode();
  return { cluster, leader: await cluster.awaitLeader(), spare };
}

describe('a region that is in a joint configuration', () => {
  it('refuses splits by name until it has left it, however they are asked for', async () => {
    const { cluster, leader, spare } = await withSpare();
    const learner = await addLearner(cluster, spare);
    const out = cluster.nodes.find((node) => node !== leader && node !== spare)!;
    const leaves = (entry: eraftpb.Entry): boolean =>
      entry.entryType === eraftpb.EntryType.EntryConfChangeV2 &&
      eraftpb.ConfChangeV2.decode(entry.data).changes.length === 0;
    cluster.network.filter = ({ message }) => message?.entries.some(leaves) !== true;
    await changeTogether(cluster, [
      ['learner', peerOn(cluster, out)],
      ['voter', learner],
    ]);
    const region = cluster.regionOn(leader);
    expect(rolesOf(region)).toEqual([Voter, Voter, IncomingVoter, DemotingVoter]);
    for (const splitKeys of [[Buffer.from('m')], []]) {
      const refused = await cluster.run(leader.store!.splitRegion({ regionId: region.id, splitKeys }));
      expect(errorOf(refused)?.serverIsBusy?.reason).toBe('a membership change is under way');
    }
    expect(outline(regionsOn(leader))).toEqual(['-1']);
    cluster.network.filter = () => true;
    const parts = await splitAt(cluster, 'm');
    for (const part of parts) expect(rolesOf(part)).toEqual([Voter, Voter, Voter, Learner]);
    await awaitRegions(cluster, 2);
    await putKey(cluster, 'z', '1');
    for (const node of cluster.nodes) await cluster.until('all follow', () => cluster.valueOn(node, 'z') === '1');
    await cluster.close();
  });
});

describe('a split and a change of membership that are proposed in one moment', () => {
  for (const order of ['split first', 'change first'] as const) {
    it(`take effect one after the other, or one is refused by name: ${order}`, async () => {
      const { cluster, leader, spare } = await withSpare();
      const region = cluster.regionOn(leader);
      const { AddLearnerNode } = eraftpb.ConfChangeType;
      const learner = newPeerOn(cluster, spare, Learner);
      const split = (): Promise<CommandResult> =>
        leader.store!.splitRegion({ regionId: region.id, splitKeys: [Buffer.from('m')] });
      const change = (): Promise<CommandResult> =>
        leader.store!.execute(changePeerCommand(headerOf(region), AddLearnerNode, learner));
      const asked = order === 'split first' ? [split(), change()] : [change(), split()];
      const errors = (await cluster.run(Promise.all(asked))).map(errorOf);
      // The split is proposed with the epoch that its ids were given for: the other one has come before it.
      const [splitError, changeError] = order === 'split first' ? errors : errors.toReversed();
      expect(changeError).toBeUndefined();
      expect(splitError === undefined || splitError.epochNotMatch !== undefined).toBe(true);
      const parts = splitError === undefined ? regionsOn(leader) : await splitAt(cluster, 'm');
      expect(parts).toHaveLength(2);
      for (const part of parts) expect(rolesOf(part)).toEqual([Voter, Voter, Voter, Learner]);
      await awaitRegions(cluster, 2);
      await putKey(cluster, 'z', '1');
      await cluster.until('the learner follows', () => cluster.valueOn(spare, 'z') === '1');
      await cluster.close();
    });
  }
});

describe('a split at several keys', () => {
  it('leaves out a store that was removed and has not heard of it', async () => {
    const cluster = await TestCluster.start(4);
    await putKey(cluster, 'a', '1');
    const leader = await cluster.awaitLeader();
    const gone = cluster.nodes.find((node) => node !== leader)!;
    const others = cluster.nodes.filter((node) => node !== gone);
    cluster.network.partition([others.map(({ storeId }) => storeId)]);
    await cluster.orders.removePeer(cluster.region.id, gone);
    const parts = await splitAt(cluster, 'f', 'm', 't');
    expect(parts).toHaveLength(4);
    for (const { peers } of parts) expect(peers.map(({ storeId }) => storeId)).not.toContain(gone.storeId);
    for (const key of ['b', 'g', 'n', 'u']) await putKey(cluster, key, '2');
    cluster.network.heal();
    await cluster.until('the removed store has nothing', () => gone.store!.status().length === 0);
    await cluster.world.advance(2_000);
    expect(gone.store!.status()).toEqual([]);
    expect(gone.fatal).toBeUndefined();
    for (const key of ['b', 'g', 'n', 'u']) {
      expect(leaderOfKey(cluster, key)?.region.peers).toHaveLength(3);
      for (const node of others) await cluster.until('all have it', () => cluster.valueOn(node, key) === '2');
    }
    await cluster.close();
  });
});
