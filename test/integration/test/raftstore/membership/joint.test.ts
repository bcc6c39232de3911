import { eraftpb, metapb } from '@flotilla/protocol';
import {
  changePeersCommand,
  errorOf,
  headerOf,
  putCommand,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { addLearner, change, changes, changeTogether, confVerOn, newPeerOn, peerOn, rolesOn } from './members.ts';

const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;

/** Three voters, and two empty stores. */
async function fiveStores(config: Parameters<typeof TestCluster.start>[1] = {}): Promise<TestCluster> {
  const cluster = await TestCluster.start(3, config);
  await cluster.put('k', 'v');
  await cluster.addNode();
  await cluster.addNode();
  return cluster;
}

/** Keeps the members, but for one, from getting the entry that leaves a joint configuration: it is never committed. */
function holdJoint(cluster: TestCluster, except?: TestNode): void {
  const leaves = (entry: eraftpb.Entry) =>
    entry.entryType === eraftpb.EntryType.EntryConfChangeV2 &&
    eraftpb.ConfChangeV2.decode(entry.data).changes.length === 0;
  cluster.network.filter = ({ message, toPeer }) =>
    toPeer?.storeId === except?.storeId || message?.entries.some(leaves) !== true;
}

function letGo(cluster: TestCluster): void {
  cluster.network.filter = () => true;
}

/** The followers of the moment demoted, and the two other stores made voters. */
async function swapFollowers(cluster: TestCluster): Promise<{ out: TestNode[]; into: TestNode[] }> {
  const leader = await cluster.awaitLeader();
  const out = cluster.nodes.slice(0, 3).filter((node) => node !== leader);
  const into = cluster.nodes.slice(3);
  const learners: metapb.Peer[] = [];
  for (const node of into) learners.push(await addLearner(cluster, node));
  const demoted = out.map((node) => ['learner', peerOn(cluster, node)] as const);
  await changeTogether(cluster, [...demoted, ...learners.map((peer) => ['voter', peer] as const)]);
  return { out, into };
}

function isJointOn(cluster: TestCluster, node: TestNode): boolean {
  return Object.values(rolesOn(cluster, node)).some((role) => role === IncomingVoter || role === DemotingVoter);
}

async function untilLeft(cluster: TestCluster): Promise<void> {
  await cluster.until('the joint configuration is left everywhere', () =>
    cluster.nodes.every((node) => node.store === undefined || !isJointOn(cluster, node)),
  );
}

describe('a joint change', () => {
  it('takes several peers in and out together, and is left by itself', async () => {
    const cluster = await fiveStores();
    const before = confVerOn(cluster, await cluster.awaitLeader());
    const { out, into } = await swapFollowers(cluster);
    await untilLeft(cluster);
    const leader = await cluster.awaitLeader();
    await cluster.until('all know', () => cluster.nodes.every((node) => confVerOn(cluster, node) === before + 10));
    const roles = rolesOn(cluster, leader);
    for (const node of out) expect(roles[peerOn(cluster, node).id]).toBe(Learner);
    for (const node of into) expect(roles[peerOn(cluster, node).id]).toBe(Voter);
    for (const node of out) cluster.crash(node);
    await cluster.put('k', 'w');
    await cluster.until('the new voters have it', () => into.every((node) => cluster.valueOn(node, 'k') === 'w'));
    await cluster.close();
  });

  it('needs a majority of the old voters and one of the new', async () => {
    for (const lost of ['out', 'into'] as const) {
      const cluster = await fiveStores();
      holdJoint(cluster);
      const sets = await swapFollowers(cluster);
      const leader = await cluster.awaitLeader();
      expect(isJointOn(cluster, leader)).toBe(true);
      const others = cluster.nodes.filter((node) => !sets[lost].includes(node)).map((node) => node.storeId);
      cluster.network.partition([others]);
      const command = putCommand(headerOf(cluster.regionOn(leader)), 'k', 'w');
      let answered = false;
      void leader.store!.execute(command).then(() => {
        answered = true;
      });
      await cluster.world.advance(10_000);
      // Nobody is elected by one half either.
      expect(answered && cluster.valueOn(leader, 'k') === 'w').toBe(false);
      expect(cluster.nodes.some((node) => cluster.valueOn(node, 'k') === 'w')).toBe(false);
      cluster.network.heal();
      letGo(cluster);
      await untilLeft(cluster);
      await cluster.put('k', 'x');
      await cluster.close();
    }
  });

  it('survives the crash of its leader: the next one leaves it', async () => {
    const cluster = await fiveStores();
    holdJoint(cluster);
    await swapFollowers(cluster);
    const leader = await cluster.awaitLeader();
    await cluster.until('all are joint', () => cluster.nodes.every((node) => isJointOn(cluster, node)));
    cluster.crash(leader);
    letGo(cluster);
    const next = await cluster.awaitLeader(leader);
    expect(next).not.toBe(leader);
    await untilLeft(cluster);
    await cluster.restart(leader);
    await untilLeft(cluster);
    await cluster.put('k', 'w');
    await cluster.close();
  });

  it('survives a power cut of every store', async () => {
    const cluster = await fiveStores();
    holdJoint(cluster);
    await swapFollowers(cluster);
    await cluster.until('all are joint', () => cluster.nodes.every((node) => isJointOn(cluster, node)));
    const roles = cluster.nodes.map((node) => rolesOn(cluster, node));
    for (const node of cluster.nodes) cluster.crash(node);
    for (const node of cluster.nodes) await cluster.restart(node);
    expect(cluster.nodes.map((node) => rolesOn(cluster, node))).toEqual(roles);
    expect(cluster.nodes.every((node) => isJointOn(cluster, node))).toBe(true);
    letGo(cluster);
    await cluster.awaitLeader();
    await untilLeft(cluster);
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('reaches a new voter by a snapshot that is joint itself', async () => {
    const cluster = await fiveStores({ config: { logGcThreshold: 3, logGcMaxEntries: 6 } });
    for (let number = 0; number < 12; number += 1) await cluster.put(`k${number}`, 'v');
    const leader = await cluster.awaitLeader();
    const [late] = cluster.nodes.slice(3);
    holdJoint(cluster, late);
    const [old] = cluster.nodes.slice(0, 3).filter((node) => node !== leader);
    const peer = newPeerOn(cluster, late!, Voter);
    await changeTogether(cluster, [
      ['learner', peerOn(cluster, old!)],
      ['voter', peer],
    ]);
    await cluster.until('the snapshot is in place', () => late!.store!.metrics().snapshotsApplied > 0);
    expect(rolesOn(cluster, late!)[peer.id]).toBe(IncomingVoter);
    cluster.crash(late!);
    await cluster.restart(late!);
    expect(rolesOn(cluster, late!)[peer.id]).toBe(IncomingVoter);
    letGo(cluster);
    await untilLeft(cluster);
    expect(rolesOn(cluster, late!)[peer.id]).toBe(Voter);
    await cluster.close();
  });

  it('is left at last when leadership was being handed over as it was entered', async () => {
    const cluster = await fiveStores();
    const leader = await cluster.awaitLeader();
    const learners = [await addLearner(cluster, cluster.nodes[3]!), await addLearner(cluster, cluster.nodes[4]!)];
    const [target] = cluster.nodes.slice(0, 3).filter((node) => node !== leader);
    // The target never hears that it is to campaign, so proposals stay blocked until the leader gives up.
    cluster.network.filter = ({ message }) => message?.msgType !== eraftpb.MessageType.MsgTimeoutNow;
    const header = headerOf(cluster.regionOn(leader));
    const list = learners.map((peer) => [changes.voter, peer] as const);
    const entered = leader.store!.execute(changePeersCommand(header, list));
    const handed = leader.store!.execute(transferLeaderCommand(header, peerOn(cluster, target!)));
    expect(errorOf(await cluster.run(entered))).toBeUndefined();
    expect(errorOf(await cluster.run(handed))).toBeUndefined();
    await cluster.until('the leader is joint', () => isJointOn(cluster, leader));
    // Nothing is written, so no entry is applied that would remind the leader.
    await untilLeft(cluster);
    await cluster.close();
  });

  it('may demote the leader of the moment, which hands over first', async () => {
    const cluster = await fiveStores();
    const leader = await cluster.awaitLeader();
    const learner = await addLearner(cluster, cluster.nodes[3]!);
    await changeTogether(cluster, [
      ['learner', peerOn(cluster, leader)],
      ['voter', learner],
    ]);
    await untilLeft(cluster);
    const next = await cluster.awaitLeader();
    expect(next).not.toBe(leader);
    expect(rolesOn(cluster, next)[peerOn(cluster, leader).id]).toBe(Learner);
    await change(cluster, 'remove', peerOn(cluster, leader));
    await cluster.until('it is gone', () => cluster.statusOf(leader) === undefined);
    await cluster.put('k', 'w');
    await cluster.close();
  });

  it('is refused while another is not left, and when there is none to leave', async () => {
    const cluster = await fiveStores();
    const leader = await cluster.awaitLeader();
    const attempt = async (list: readonly (readonly [eraftpb.ConfChangeType, metapb.Peer])[]) =>
      errorOf(await cluster.execute(leader, changePeersCommand(headerOf(cluster.regionOn(leader)), list)));
    expect((await attempt([]))?.invalidRequest?.reason).toContain('not joint');
    const old = headerOf(cluster.regionOn(leader));
    holdJoint(cluster);
    await swapFollowers(cluster);
    const spare = newPeerOn(cluster, cluster.nodes[0]!);
    expect((await attempt([[changes.learner, spare]]))?.serverIsBusy?.reason).toContain('has not left');
    expect((await attempt([]))?.serverIsBusy?.reason).toContain('under way');
    const stale = await cluster.execute(leader, changePeersCommand(old, []));
    expect(errorOf(stale)?.epochNotMatch?.currentRegions).toHaveLength(1);
    letGo(cluster);
    await untilLeft(cluster);
    await cluster.close();
  });

  it('needs enough voters alive in each half', async () => {
    const cluster = await fiveStores();
    const leader = await cluster.awaitLeader();
    const [one, two] = cluster.nodes.slice(0, 3).filter((node) => node !== leader);
    const [third, fourth] = cluster.nodes.slice(3);
    const list = [
      [changes.learner, peerOn(cluster, one!)],
      [changes.learner, peerOn(cluster, two!)],
      [changes.voter, newPeerOn(cluster, third!)],
      [changes.voter, newPeerOn(cluster, fourth!)],
    ] as const;
    const refused = await cluster.execute(leader, changePeersCommand(headerOf(cluster.regionOn(leader)), list));
    // Two new voters without any data and one old one would be no majority of the new configuration.
    expect(errorOf(refused)?.serverIsBusy?.reason).toContain('too few voters');
    await cluster.put('k', 'w');
    await cluster.close();
  });
});
