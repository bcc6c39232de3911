import type { Random } from '@flotilla/runtime';
import type { TestCluster } from '../cluster/test-cluster.ts';

/** Crashes a random store now and then, hard, and starts it again soon, until `isOver`. */
export async function crashStores(
  cluster: TestCluster,
  random: Random,
  meanGapMs: number,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await cluster.sleep(random.integer(meanGapMs / 2, meanGapMs * 2));
    if (isOver()) return;
    const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
    if (node?.store === undefined) continue;
    cluster.crash(node, { keepsPageCache: random.fraction() < 0.3 });
    await cluster.sleep(random.integer(1, meanGapMs));
    await cluster.restart(node);
  }
}

/** A power cut of every store at once. */
export async function crashAll(cluster: TestCluster): Promise<void> {
  for (const node of cluster.nodes) if (node.store !== undefined) cluster.crash(node);
  await cluster.sleep(100);
  await startAll(cluster);
}

/** Starts every store that is down. */
export async function startAll(cluster: TestCluster): Promise<void> {
  for (const node of cluster.nodes) if (node.store === undefined) await cluster.restart(node);
}
