import { eraftpb, metapb, schedulerpb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import type { TestCluster } from '../cluster/test-cluster.ts';

/** Adds and removes replicas of random regions, one at a time for each region, until `isOver`. */
export async function changeMembers(cluster: TestCluster, random: Random, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    orderChange(cluster, random);
    await cluster.sleep(random.integer(20, 200));
  }
}

/**
 * Orders one change of a random region that waits for none: a replica more on a store without, or one less while there are
 * more than `fewest`.
 */
export function orderChange(cluster: TestCluster, random: Random, fewest = 1): void {
  const { scheduler } = cluster;
  const regions = scheduler.regions().filter(({ region }) => scheduler.isSettled(region.id));
  const region = regions[random.integer(0, Math.max(1, regions.length))]?.region;
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  if (region === undefined || node === undefined) return;
  const peer = region.peers.find(({ storeId }) => storeId === node.storeId);
  if (peer === undefined) {
    scheduler.addPeer(region.id, { id: scheduler.allocId(), storeId: node.storeId, role: 0 });
  } else if (region.peers.length > fewest) {
    scheduler.removePeer(region.id, peer);
  }
}

/**
 * Orders a change of any kind of a random region that waits for none: a learner comes or is promoted, a replica moves to
 * another store through a joint configuration, or one comes or goes.
 */
export function orderAnyChange(cluster: TestCluster, random: Random, fewest = 1): void {
  const { scheduler } = cluster;
  const reports = scheduler.regions().filter(({ region }) => scheduler.isSettled(region.id));
  const report = reports[random.integer(0, Math.max(1, reports.length))];
  const dice = random.fraction();
  if (report === undefined || dice < 0.5) {
    orderChange(cluster, random, fewest);
    return;
  }
  const { region, pendingPeers } = report;
  const learner = region.peers.find(({ role }) => role === Learner);
  if (learner !== undefined && dice < 0.7) {
    if (!pendingPeers.some(({ id }) => id === learner.id))
      scheduler.promoteLearner(region.id, { ...learner, role: Voter });
    return;
  }
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  if (node === undefined || region.peers.some(({ storeId }) => storeId === node.storeId)) return;
  const newcomer = { id: scheduler.allocId(), storeId: node.storeId, role: Voter };
  if (dice < 0.8) {
    scheduler.addLearner(region.id, { ...newcomer, role: Learner });
    return;
  }
  const gone = region.peers[random.integer(0, region.peers.length)];
  if (gone === undefined) return;
  scheduler.changePeers(region.id, [
    schedulerpb.ChangePeer.create({ changeType: eraftpb.ConfChangeType.AddNode, peer: newcomer }),
    schedulerpb.ChangePeer.create({ changeType: eraftpb.ConfChangeType.RemoveNode, peer: gone }),
  ]);
}

/**
 * Orders a joint change of one region: a member that votes not to, and another to take its place; one that is no member
 * comes as a voter at once.
 */
export function orderJointChange(cluster: TestCluster, regionId: number, random: Random): void {
  const { nodes, scheduler } = cluster;
  // Behind another order this one would name members that are gone by then, and bring back a peer that was removed.
  if (!scheduler.isSettled(regionId)) return;
  const region = scheduler.regions().find(({ region: { id } }) => id === regionId)?.region;
  const voters = region?.peers.filter(({ role }) => role === Voter) ?? [];
  const gone = voters[random.integer(0, Math.max(1, voters.length))];
  const free = nodes.filter(({ storeId }) => region?.peers.every((peer) => peer.storeId !== storeId) === true);
  const node = free[random.integer(0, Math.max(1, free.length))];
  const learner = region?.peers.find(({ role }) => role === Learner);
  const newcomer = learner ?? (node === undefined ? undefined : { id: scheduler.allocId(), storeId: node.storeId });
  if (gone === undefined || newcomer === undefined) {
    // Room for one is made first.
    if (gone !== undefined && voters.length > 2) scheduler.removePeer(regionId, gone);
    return;
  }
  scheduler.changePeers(regionId, [
    schedulerpb.ChangePeer.create({ changeType: eraftpb.ConfChangeType.AddNode, peer: { ...newcomer, role: Voter } }),
    schedulerpb.ChangePeer.create({ changeType: eraftpb.ConfChangeType.AddLearnerNode, peer: gone }),
  ]);
}

const { Learner, Voter } = metapb.PeerRole;

/** Withdraws every order that is not done. */
export function cancelOrders({ scheduler }: TestCluster): void {
  for (const { region } of scheduler.regions()) scheduler.cancelOperators(region.id);
}

/** Hands leadership of a random region to a random member. */
export function orderTransfer({ scheduler }: TestCluster, random: Random): void {
  const regions = scheduler.regions().filter(({ region }) => scheduler.isSettled(region.id));
  const region = regions[random.integer(0, Math.max(1, regions.length))]?.region;
  const peer = region?.peers[random.integer(0, Math.max(1, region.peers.length))];
  if (region !== undefined && peer !== undefined) scheduler.transferLeader(region.id, peer);
}
