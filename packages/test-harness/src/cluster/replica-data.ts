import { createHash } from 'node:crypto';
import { dataRange } from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import { checkReplicaHashes, type ReplicaHash } from '../checkers/check-replica-hashes.ts';
import { isPassed, type Verdict } from '../checkers/verdict.ts';
import type { TestCluster, TestNode } from './test-cluster.ts';

const families = ['default', 'write', 'lock'] as const;

/** The state of every replica that the scheduler knows of, read from its store's engine; one that is missing is at index 0. */
export async function replicaHashes(cluster: TestCluster): Promise<ReplicaHash[]> {
  const hashes: ReplicaHash[] = [];
  for (const { region } of cluster.scheduler.regions()) {
    for (const { storeId } of region.peers) {
      const node = cluster.nodeOf(storeId);
      const appliedIndex = node === undefined ? 0 : (cluster.statusOf(node, region.id)?.appliedIndex ?? 0);
      const hash = node?.store === undefined ? 'no store' : await dataHash(node, region);
      hashes.push({ regionId: region.id, storeId, appliedIndex, hash });
    }
  }
  return hashes;
}

/** Waits until every replica has applied the same and holds the same; the last verdict when that takes too long. */
export async function awaitEqualReplicas(cluster: TestCluster, limitMs: number): Promise<Verdict> {
  const endMs = cluster.world.nowMs + limitMs;
  for (;;) {
    const verdict = checkReplicaHashes(await replicaHashes(cluster), { isConverged: true });
    if (isPassed(verdict) || cluster.world.nowMs >= endMs) return verdict;
    await cluster.sleep(100);
  }
}

async function dataHash(node: TestNode, region: metapb.Region): Promise<string> {
  const hash = createHash('sha256');
  for (const family of families) {
    for (const { key, value } of await node.kvEngine.scan(dataRange(family, region.startKey, region.endKey))) {
      hash.update(`${key.length} ${value.length} `).update(key).update(value);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
