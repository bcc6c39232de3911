import { flotillapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import type { TestCluster, TestNode } from './test-cluster.ts';

const { RegionHashState } = flotillapb;

/**
 * Has the replicas of a region on all running nodes hash their data and compare them with the leader's; resolves with each
 * node's hash once all of them have compared theirs. By default of the first region.
 */
export async function checkConsistency(
  cluster: TestCluster,
  regionId: number = cluster.region.id,
): Promise<Map<TestNode, flotillapb.RegionHash>> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const leader = cluster.nodes.find((node) => leads(node, regionId));
    const outcome = await (leader?.store && cluster.run(leader.store.checkConsistency(regionId)));
    if (outcome?.type === 'hashed' && outcome.hash.state !== RegionHashState.Failed) {
      const { index } = outcome.hash;
      const members = cluster.nodes.filter((node) => hasRegion(node, regionId));
      const compared = () => members.every((node) => isCompared(node.store?.regionHash(regionId), index));
      if (await cluster.world.runUntil(compared, 10_000)) {
        return new Map(members.map((node) => [node, node.store?.regionHash(regionId) as flotillapb.RegionHash]));
      }
    }
    await cluster.world.advance(50);
  }
  assert(false, 'the replicas of a region compare their data', { regionId });
}

function leads(node: TestNode, regionId: number): boolean {
  const status = node.store?.status().find(({ region }) => region?.id === regionId);
  return status?.role === flotillapb.RaftRole.Leader;
}

function hasRegion(node: TestNode, regionId: number): boolean {
  return node.store?.status().some(({ region }) => region?.id === regionId && region.peers.length > 0) === true;
}

function isCompared(hash: flotillapb.RegionHash | undefined, index: number): boolean {
  return hash?.index === index && (hash.state === RegionHashState.Matched || hash.state === RegionHashState.Mismatched);
}
