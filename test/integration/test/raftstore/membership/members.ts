import { readRegionState } from '@flotilla/engine';
import { eraftpb, metapb, type raft_serverpb, type schedulerpb } from '@flotilla/protocol';
import type { CommandResult } from '@flotilla/raftstore';
import {
  changePeerCommand,
  changePeersCommand,
  headerOf,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';

const { AddLearnerNode, AddNode, RemoveNode } = eraftpb.ConfChangeType;
const { Learner, Voter } = metapb.PeerRole;

/** One change of membership, by what is to become of the peer. */
export const changes = { voter: AddNode, learner: AddLearnerNode, remove: RemoveNode } as const;

/** The peer of the first region on a node, as its leader knows it. */
export function peerOn(cluster: TestCluster, node: TestNode): metapb.Peer {
  const leader = cluster.leader();
  const region = leader === undefined ? cluster.region : cluster.regionOn(leader);
  const peer = region.peers.find((one) => one.storeId === node.storeId);
  if (peer === undefined) throw new Error(`no peer on ${node.name}`);
  return peer;
}

/** A peer that a node could have. */
export function newPeerOn(cluster: TestCluster, node: TestNode, role: metapb.PeerRole = Voter): metapb.Peer {
  return metapb.Peer.create({ id: cluster.scheduler.allocId(), storeId: node.storeId, role });
}

/** Makes one change through the leader of the moment, and waits until it is applied there. */
export async function change(
  cluster: TestCluster,
  kind: keyof typeof changes,
  peer: metapb.Peer,
): Promise<metapb.Region> {
  return made(
    cluster,
    await cluster.retry((leader) => changePeerCommand(headerOf(cluster.regionOn(leader)), changes[kind], peer)),
  );
}

/** Makes several changes through a joint configuration; answered once it has been entered. */
export async function changeTogether(
  cluster: TestCluster,
  list: readonly (readonly [keyof typeof changes, metapb.Peer])[],
): Promise<metapb.Region> {
  const steps = list.map(([kind, peer]) => [changes[kind], peer] as const);
  return made(cluster, await cluster.retry((leader) => changePeersCommand(headerOf(cluster.regionOn(leader)), steps)));
}

/** The region that a change has made, once its leader goes by it. */
async function made(cluster: TestCluster, { response }: CommandResult): Promise<metapb.Region> {
  const region = response.adminResponse?.changePeer?.region;
  if (region === undefined) throw new Error('the answer tells no region');
  const confVer = region.regionEpoch?.confVer ?? 0;
  await cluster.until('the leader goes by the change', () => {
    const leader = cluster.leader();
    return leader !== undefined && confVerOn(cluster, leader) >= confVer;
  });
  return region;
}

/** Adds a learner on a node, and waits until it holds what the leader holds under `key`. */
export async function addLearner(cluster: TestCluster, node: TestNode): Promise<metapb.Peer> {
  const peer = newPeerOn(cluster, node, Learner);
  await change(cluster, 'learner', peer);
  await cluster.until(`learner ${peer.id} has caught up`, () => {
    const leader = cluster.leader();
    const applied = leader === undefined ? undefined : cluster.statusOf(leader)?.appliedIndex;
    const status = cluster.statusOf(node);
    return applied !== undefined && status?.peer?.id === peer.id && status.appliedIndex >= applied;
  });
  return peer;
}

/** Roles by peer id, as a node has applied them; empty when it has no peer. */
export function rolesOn(cluster: TestCluster, node: TestNode): Record<number, metapb.PeerRole> {
  const peers = cluster.statusOf(node)?.region?.peers ?? [];
  return Object.fromEntries(peers.map(({ id, role }) => [id, role]));
}

/** The epoch that a node has applied. */
export function confVerOn(cluster: TestCluster, node: TestNode): number {
  return cluster.statusOf(node)?.region?.regionEpoch?.confVer ?? 0;
}

/** A node of the cluster that does not lead. */
export function followerOf(cluster: TestCluster): TestNode {
  const leader = cluster.leader();
  const follower = cluster.nodes.find((node) => node !== leader && cluster.statusOf(node) !== undefined);
  if (follower === undefined) throw new Error('no follower');
  return follower;
}

/** Every region heartbeat that reaches the scheduler from now on, in order. */
export function heartbeatsOf(cluster: TestCluster): schedulerpb.RegionHeartbeatRequest[] {
  const { scheduler } = cluster;
  const seen: schedulerpb.RegionHeartbeatRequest[] = [];
  const take = scheduler.regionHeartbeat.bind(scheduler);
  scheduler.regionHeartbeat = (request) => {
    seen.push(request);
    return take(request);
  };
  return seen;
}

/** What a node's disk says of the first region: its state, without any peer there too. */
export function stateOnDisk(cluster: TestCluster, node: TestNode): raft_serverpb.RegionLocalState | undefined {
  return readRegionState(node.kvEngine, cluster.region.id);
}
