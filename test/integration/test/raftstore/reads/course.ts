import type { RaftStoreConfig } from '@flotilla/raftstore';
import type { Random } from '@flotilla/runtime';
import { checkRegister, describeVerdict, TestCluster, type TestNode } from '@flotilla/test-harness';
import { RegisterWorkload } from './register-workload.ts';

/** How one random history is made. */
export interface Course {
  readonly seed: number;
  readonly config?: Partial<RaftStoreConfig>;
  /** What the first node has otherwise than the others. */
  readonly first?: Partial<RaftStoreConfig>;
  readonly replicaReads?: boolean;
  readonly rounds?: number;
  /** Whether every other round is one in which nobody asks for anything. */
  readonly pauses?: boolean;
}

async function startDrifting(course: Course): Promise<TestCluster> {
  const cluster = new TestCluster({ seed: course.seed, config: { leaseReads: true, ...course.config } });
  // Together within the ten percent that the default allows for.
  const rates = [0.96, 1, 1.04];
  for (let number = 0; number < 3; number += 1) {
    const node = cluster.createNode();
    node.clockRate = rates[(number + course.seed) % 3]!;
    if (number === 0) node.config = course.first ?? {};
    await cluster.open(node);
  }
  for (const node of cluster.nodes.slice(1)) await cluster.addPeer(node);
  return cluster;
}

/** The trouble that leases are about: a leader that does not know that it leads no more. */
async function disturb(cluster: TestCluster, random: Random, paused: Set<TestNode>): Promise<void> {
  const leader = cluster.leader() ?? cluster.nodes[0]!;
  const anyone = cluster.nodes[random.integer(0, 3)]!;
  const othersOf = (node: TestNode): number[] => cluster.nodes.filter((one) => one !== node).map((one) => one.storeId);
  switch (random.integer(0, 9)) {
    case 0:
    case 1:
      cluster.network.partition([[leader.storeId], othersOf(leader)]);
      return;
    case 2:
      for (const other of othersOf(anyone)) cluster.network.cut(anyone.storeId, other);
      return;
    case 3:
      for (const other of othersOf(leader)) cluster.network.cut(other, leader.storeId);
      return;
    case 4:
      if (leader.store !== undefined && paused.size === 0) {
        leader.runtime.pause();
        paused.add(leader);
      }
      return;
    case 5: {
      // A voter that is back at once has forgotten whom it heard.
      const follower = cluster.nodes.find((node) => node !== leader && node.store !== undefined);
      if (follower === undefined || paused.has(follower)) return;
      cluster.network.cut(leader.storeId, cluster.nodes.find((node) => node !== leader && node !== follower)!.storeId);
      cluster.crash(follower);
      await cluster.restart(follower);
      return;
    }
    case 6: {
      const next = random.fraction() < 0.5 ? cluster.nodes[0]! : anyone;
      const peer = cluster.region.peers.find((one) => one.storeId === next.storeId);
      if (peer !== undefined) cluster.scheduler.transferLeader(cluster.region.id, peer);
      return;
    }
    case 7:
      anyone.runtime.clock.jumpWall(random.integer(-1_000_000, 1_000_000));
      anyone.runtime.clock.driftWall(random.integer(-500_000, 500_000));
      return;
    default:
      cluster.network.heal();
  }
}

/** Runs clients through trouble, and judges what they saw. */
export async function runCourse(
  course: Course,
): Promise<{ readonly verdict: string; readonly outcome: string; readonly reads: number; readonly slept: boolean }> {
  const cluster = await startDrifting(course);
  const random = cluster.world.random.fork('trouble');
  const workload = new RegisterWorkload(cluster, 6, { replicaReads: course.replicaReads ?? false });
  const paused = new Set<TestNode>();
  let slept = false;
  for (let round = 0; round < (course.rounds ?? 40); round += 1) {
    await disturb(cluster, random, paused);
    const steps = random.integer(10, 80);
    for (let step = 0; step < steps; step += 1) {
      if (course.pauses !== true || round % 2 === 0) workload.step();
      await cluster.world.advance(random.integer(5, 40));
    }
    slept ||= cluster.nodes.some((node) => (node.store?.metrics().hibernatingPeers ?? 0) > 0);
    for (const node of paused) node.runtime.resume();
    paused.clear();
    if (random.fraction() < 0.4) cluster.network.heal();
  }
  cluster.network.heal();
  await cluster.world.advance(5_000);
  const verdict = checkRegister(workload.operations);
  await cluster.close();
  return { verdict: describeVerdict(verdict), outcome: verdict.outcome, reads: workload.reads, slept };
}
