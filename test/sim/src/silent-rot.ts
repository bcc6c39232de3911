import { flotillapb, type metapb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import {
  awaitEqualReplicas,
  checkConsistency,
  isPassed,
  rotValue,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';

const { Matched, Mismatched } = flotillapb.RegionHashState;

/**
 * Lets one value of one replica rot in the data database, which no checksum shows, and has the replicas of its region compare
 * their hashes: that replica, and no other, has to be found. Then it is made anew. Answers what was wrong with that.
 */
export async function letValueRot(
  cluster: TestCluster,
  trace: EventTrace,
  random: Random,
  limitMs: number,
): Promise<string | undefined> {
  const replicas = cluster.scheduler.regions().flatMap(({ region }) => {
    const leader = cluster.leader(region.id);
    return cluster.nodes.filter((node) => isMember(node, region) && node !== leader).map((node) => ({ node, region }));
  });
  const replica = replicas[random.integer(0, Math.max(1, replicas.length))];
  if (replica === undefined) return undefined;
  const { node, region } = replica;
  const key = rotValue(node, region, random);
  if (key === undefined) return undefined;
  trace.note(`${node.name}: a value of region ${region.id} rots`);
  const hashes = await checkConsistency(cluster, region.id);
  // Leadership may have moved there since: then the others are found to differ from it.
  if (cluster.leader(region.id) === node) return undefined;
  for (const [member, { state }] of hashes) {
    if (state !== (member === node ? Mismatched : Matched)) {
      return `${member.name} is ${state} in the comparison of region ${region.id}, of which ${node.name} has a rotten value`;
    }
  }
  return makeAnew(cluster, node, key, limitMs);
}

/** Replaces the replica that holds the rotten value; a split may have moved it to another region meanwhile. */
async function makeAnew(
  cluster: TestCluster,
  node: TestNode,
  key: Uint8Array,
  limitMs: number,
): Promise<string | undefined> {
  const { orders, scheduler } = cluster;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const region = scheduler.mustRegion(key);
    scheduler.removePeer(region.id, orders.peerOn(region.id, node));
    await orders.settled(region.id, limitMs);
    scheduler.addPeer(region.id, { id: scheduler.allocId(), storeId: node.storeId, role: 0 });
    await orders.settled(region.id, limitMs);
    if (isPassed(await awaitEqualReplicas(cluster, limitMs))) return undefined;
  }
  return `the rotten value of ${node.name} is still there`;
}

function isMember({ storeId }: TestNode, { peers }: metapb.Region): boolean {
  return peers.some((peer) => peer.storeId === storeId);
}
