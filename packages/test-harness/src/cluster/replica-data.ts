import { createHash } from 'node:crypto';
import { dataRange } from '@flotilla/engine';
import type { metapb } from '@flotilla/protocol';
import { checkRegionTiling } from '../checkers/check-region-tiling.ts';
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

/**
 * Waits until the regions that the scheduler knows tile the key space, and every replica of each has applied the same and
 * holds the same; the last verdict when that takes too long.
 */
export async function awaitEqualReplicas(cluster: TestCluster, limitMs: number): Promise<Verdict> {
  const endMs = cluster.world.nowMs + limitMs;
  for (;;) {
    const tiling = checkKnownRegions(cluster);
    const hashes = isPassed(tiling) ? await replicaHashes(cluster) : [];
    const verdict = isPassed(tiling) ? checkReplicaHashes(hashes, { isConverged: true }) : tiling;
    if (isPassed(verdict) || cluster.world.nowMs >= endMs) return verdict;
    await cluster.sleep(100);
  }
}

/** A region that a split has just made is known only once it has a leader. */
function checkKnownRegions({ scheduler }: TestCluster): Verdict {
  return checkRegionTiling(
    scheduler
      .regions()
      .map(({ region }) => ({ regionId: region.id, startKey: region.startKey, endKey: region.endKey })),
  );
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
