import { type eraftpb, metapb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import {
  changePeerCommand,
  changePeersCommand,
  headerOf,
  RegisterClient,
  TestCluster,
  type TestNode,
  transferLeaderCommand,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { changes } from './members.ts';

const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;
const config = {
  logGcThreshold: 10,
  logGcMaxEntries: 30,
  snapshotGcIntervalMs: 2_000,
  maxLeaderMissingMs: 4_000,
  maxPeerDownMs: 2_000,
};

/** What a run has seen of each region epoch: every report of one conf_ver has the same peers, and each step is small. */
class RegionHistory {
  readonly complaints: string[] = [];
  jointSeen = 0;
  readonly #peersAt = new Map<number, readonly metapb.Peer[]>();

  watch(cluster: TestCluster): void {
    for (const node of cluster.nodes) {
      const region = cluster.statusOf(node)?.region;
      if (region === undefined || region.peers.length === 0) continue;
      const confVer = region.regionEpoch?.confVer ?? 0;
      const known = this.#peersAt.get(confVer);
      if (known === undefined) this.#add(confVer, region.peers);
      else if (differences(known, region.peers) > 0) this.complaints.push(`two pictures of conf_ver ${confVer}`);
    }
  }

  #add(confVer: number, peers: readonly metapb.Peer[]): void {
    if (peers.some(({ role }) => role === IncomingVoter || role === DemotingVoter)) this.jointSeen += 1;
    for (const [other, known] of this.#peersAt) {
      const count = differences(known, peers);
      if (count > Math.abs(confVer - other)) this.complaints.push(`${count} peers differ from ${other} to ${confVer}`);
    }
    this.#peersAt.set(confVer, peers);
  }
}

function differences(left: readonly metapb.Peer[], right: readonly metapb.Peer[]): number {
  const roles = (peers: readonly metapb.Peer[]) => new Map(peers.map(({ id, role }) => [id, role]));
  const [before, after] = [roles(left), roles(right)];
  return [...new Set([...before.keys(), ...after.keys()])].filter((id) => before.get(id) !== after.get(id)).length;
}

/** Orders a change of membership of whoever leads, and does not wait for what becomes of it. */
function changeMembers(cluster: TestCluster, leader: TestNode, random: Random): void {
  const region = cluster.regionOn(leader);
  const header = headerOf(region);
  const pick = <T>(list: readonly T[]): T | undefined => list[random.integer(0, Math.max(1, list.length))];
  const voters = region.peers.filter(({ role }) => role === Voter);
  const learners = region.peers.filter(({ role }) => role === Learner);
  const empty = cluster.nodes.filter(({ storeId }) => !region.peers.some((peer) => peer.storeId === storeId));
  const fresh = (node: TestNode) => metapb.Peer.create({ id: cluster.scheduler.allocId(), storeId: node.storeId });
  const run = (kind: keyof typeof changes, peer: metapb.Peer | undefined): void => {
    if (peer !== undefined) void leader.store!.execute(changePeerCommand(header, changes[kind], peer));
  };
  const free = pick(empty);
  switch (random.integer(0, 7)) {
    case 0:
      run('learner', free === undefined ? undefined : fresh(free));
      return;
    case 1:
      run('voter', pick(learners));
      return;
    case 2:
      run('learner', voters.length > 2 ? pick(voters) : undefined);
      return;
    case 3:
      run('remove', pick(region.peers.length > 3 ? region.peers : learners));
      return;
    case 4:
      run('voter', free === undefined || voters.length > 3 ? undefined : fresh(free));
      return;
    default:
      changeTogether(leader, header, random, { voters, learners, fresh: free === undefined ? undefined : fresh(free) });
  }
}

/** Demotes and promotes at random, through a joint configuration. */
function changeTogether(
  leader: TestNode,
  header: ReturnType<typeof headerOf>,
  random: Random,
  region: { voters: readonly metapb.Peer[]; learners: readonly metapb.Peer[]; fresh: metapb.Peer | undefined },
): void {
  const list: (readonly [eraftpb.ConfChangeType, metapb.Peer])[] = [];
  for (const peer of region.learners) list.push([random.fraction() < 0.7 ? changes.voter : changes.remove, peer]);
  for (const peer of region.voters) if (random.fraction() < 0.4) list.push([changes.learner, peer]);
  if (region.fresh !== undefined) list.push([changes.voter, region.fresh]);
  void leader.store!.execute(changePeersCommand(header, random.fraction() < 0.1 ? [] : list));
}

async function disturb(cluster: TestCluster, random: Random): Promise<void> {
  const down = cluster.nodes.find((node) => node.store === undefined);
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)]!;
  switch (random.integer(0, 5)) {
    case 0:
      if (down !== undefined) await cluster.restart(down);
      else cluster.crash(node, { keepsPageCache: random.fraction() < 0.5 });
      return;
    case 1:
      cluster.network.partition([
        [node.storeId],
        cluster.nodes.filter((one) => one !== node).map((one) => one.storeId),
      ]);
      return;
    case 2: {
      const leader = cluster.leader();
      const peers = leader === undefined ? [] : cluster.regionOn(leader).peers;
      const target = peers[random.integer(0, Math.max(1, peers.length))];
      if (leader?.store === undefined || target === undefined) return;
      void leader.store.execute(transferLeaderCommand(headerOf(cluster.regionOn(leader)), target));
      return;
    }
    default:
      cluster.network.heal();
  }
}

async function run(seed: number): Promise<RegionHistory> {
  const cluster = await TestCluster.start(3, { seed, config });
  for (let count = 0; count < 3; count += 1) await cluster.addNode();
  const random = cluster.world.random.fork('storm');
  const history = new RegionHistory();
  const clients = Array.from({ length: 3 }, (_, number) => new RegisterClient(cluster, String(number)));
  cluster.network.faults = { drop: 0.03, duplicate: 0.05, minDelayMs: 1, maxDelayMs: 20 };
  for (let round = 0; round < 60; round += 1) {
    const leader = cluster.leader();
    if (leader?.store !== undefined) changeMembers(cluster, leader, random);
    if (random.fraction() < 0.4) await disturb(cluster, random);
    for (let step = 0; step < 12; step += 1) {
      const target = cluster.leader() ?? cluster.nodes[random.integer(0, cluster.nodes.length)]!;
      for (const client of clients) client.step(target, 3_000);
      history.watch(cluster);
      await cluster.world.advance(random.integer(5, 50));
    }
  }
  cluster.network.heal();
  cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
  for (const node of cluster.nodes) if (node.store === undefined) await cluster.restart(node);
  await cluster.world.advance(10_000);
  for (const client of clients) client.check(await cluster.get(client.key));
  expect(clients.flatMap((client) => client.complaints)).toEqual([]);
  await cluster.until('members agree, and nobody else has a peer', () => isTidy(cluster));
  history.watch(cluster);
  expect(history.complaints).toEqual([]);
  expect(cluster.nodes.map((node) => node.fatal?.message)).toEqual(cluster.nodes.map(() => undefined));
  expect(clients.every((client) => client.acknowledged > 0)).toBe(true);
  await cluster.close();
  return history;
}

function isTidy(cluster: TestCluster): boolean {
  const leader = cluster.leader();
  if (leader === undefined) return false;
  const region = cluster.regionOn(leader);
  if (region.peers.some(({ role }) => role !== Voter && role !== Learner)) return false;
  const values = (node: TestNode) => [0, 1, 2].map((number) => cluster.valueOn(node, `register ${number}`)).join();
  return cluster.nodes.every((node) => {
    const peer = region.peers.find(({ storeId }) => storeId === node.storeId);
    const status = cluster.statusOf(node);
    if (peer === undefined) return status === undefined;
    return (
      status?.peer?.id === peer.id &&
      status.region?.regionEpoch?.confVer === region.regionEpoch?.confVer &&
      values(node) === values(leader)
    );
  });
}

describe('under storms of learners, promotions, demotions and joint changes, with crashes, cuts, loss and transfers', () => {
  const seeds = Number(process.env['FLOTILLA_SEEDS'] ?? 8);
  let jointSeen = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`every read is linearizable and nothing acknowledged is lost, from seed ${seed}`, async () => {
      jointSeen += (await run(seed)).jointSeen;
    });
  }

  it('joint configurations were passed through', () => {
    expect(jointSeen).toBeGreaterThan(seeds);
  });
});
