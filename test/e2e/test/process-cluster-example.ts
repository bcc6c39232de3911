import { ProcessCluster } from '@flotilla/test-harness';

/** Kills the leader as a power cut would; answers the old leader, the new one, and whether all is well again in the end. */
export async function loseLeader(programs: { readonly node: string; readonly scheduler: string }) {
  const cluster = await ProcessCluster.start({ programs, nodes: 3 });
  try {
    const old = await cluster.findLeader();
    await cluster.kill(old);
    const next = await cluster.findLeader();
    cluster.spawn(old);
    await cluster.awaitReady(old);
    await cluster.awaitReplicas();
    return { old, next, runs: cluster.members.every((member) => cluster.isRunning(member)) };
  } finally {
    await cluster.close();
  }
}
