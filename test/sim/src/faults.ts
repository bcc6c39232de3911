import type { Random } from '@flotilla/runtime';
import { SchedulerError } from '@flotilla/scheduler-client';
import {
  calmNetwork,
  cancelOrders,
  cutAtRandom,
  orderAnyChange,
  orderTransfer,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';
import type { Disturbance, SimulationPlan } from './plan.ts';
import type { Rivals } from './rivals.ts';

/** What faults act on. */
export interface FaultContext {
  readonly cluster: TestCluster;
  readonly plan: SimulationPlan;
  readonly trace: EventTrace;
  readonly rivals: Rivals;
  readonly isOver: () => boolean;
  /** Stores whose disk was made to fail, and which therefore may stop. */
  readonly excused: Set<TestNode>;
  /** Stores that are being opened. */
  readonly opening: Set<TestNode>;
}

type Fault = (context: FaultContext, random: Random) => Promise<void> | void;

/** Runs every fault of the plan, each in its own rhythm, until it is over. */
export async function disturb(context: FaultContext): Promise<void> {
  const running: Promise<void>[] = [];
  for (const kind of context.plan.active) {
    const fault = faults[kind];
    if (fault !== undefined) running.push(repeat(kind, fault, context));
  }
  await Promise.all(running);
}

/** Ends all that still disturbs the cluster; every store runs then. */
export async function calm(context: FaultContext): Promise<void> {
  const { cluster, trace } = context;
  trace.note('the faults end');
  calmNetwork(cluster);
  cancelOrders(cluster);
  cluster.scheduler.available = true;
  for (const node of cluster.nodes) {
    cluster.resume(node);
    if (node.fatal !== undefined && context.excused.has(node)) {
      cluster.crash(node);
      node.fatal = undefined;
    }
    await start(context, node);
  }
}

/** Kinds that come more often than faults do. */
const frequent: ReadonlySet<Disturbance> = new Set(['members', 'transfers', 'rivals']);

async function repeat(kind: Disturbance, fault: Fault, context: FaultContext): Promise<void> {
  const { cluster, plan, isOver } = context;
  const random = cluster.world.random.fork(`fault ${kind}`);
  const gapMs = plan.gapMs * (0.5 + random.fraction() * 1.5) * (frequent.has(kind) ? 0.3 : 1);
  while (!isOver()) {
    await pass(context, (random.fraction() * 2 * gapMs) / plan.timeScale);
    if (!isOver()) await fault(context, random);
  }
}

/** Lets time pass, at the cluster's pace. */
function pass({ cluster, plan }: FaultContext, ms: number): Promise<void> {
  return cluster.clock.timers.sleep(ms * plan.timeScale);
}

const faults: Partial<Record<Disturbance, Fault>> = {
  loss({ cluster, plan, trace }, random) {
    const isCalm = random.fraction() < 0.3;
    const drop = isCalm ? 0 : random.fraction() * 0.3;
    const duplicate = isCalm ? 0 : random.fraction() * 0.2;
    // From hardly any delay to more than an election takes.
    const maxDelayMs = isCalm ? 1 : 1 + random.fraction() ** 4 * 1_500 * plan.timeScale;
    trace.note(
      `the network drops ${drop.toFixed(2)}, doubles ${duplicate.toFixed(2)}, delays up to ${maxDelayMs | 0} ms`,
    );
    cluster.network.faults = { drop, duplicate, minDelayMs: 0.5, maxDelayMs };
  },

  clientLoss({ cluster, trace }, random) {
    const drop = random.fraction() < 0.4 ? 0 : random.fraction() * 0.3;
    trace.note(`links of clients break with ${drop.toFixed(2)}`);
    cluster.network.clientFaults = { drop, duplicate: 0, minDelayMs: 0.5, maxDelayMs: 1 + random.fraction() * 50 };
  },

  partitions({ cluster, trace }, random) {
    if (random.fraction() < 0.4) {
      trace.note('the network heals');
      cluster.network.heal();
      return;
    }
    cutAtRandom(cluster, random);
    const cuts = cluster.nodes.flatMap((from) =>
      cluster.nodes
        .filter((to) => cluster.network.isCut(from.storeId, to.storeId))
        .map((to) => `${from.storeId}>${to.storeId}`),
    );
    trace.note(`the network is cut: ${cuts.join(' ')}`);
  },

  async crashes(context, random) {
    const node = randomNode(context, random);
    if (node === undefined) return;
    await beWriting(context, random);
    await crash(context, node, random);
  },

  async powerCuts(context, random) {
    if (random.fraction() < 0.5) return;
    await beWriting(context, random);
    context.trace.note('a power cut of every store');
    const { cluster } = context;
    for (const node of cluster.nodes) if (node.store !== undefined) cut(cluster, node, random);
    await pass(context, random.integer(1, 2_000));
    for (const node of cluster.nodes) await start(context, node);
  },

  async pauses(context, random) {
    const { cluster, trace } = context;
    const node = randomNode(context, random);
    if (node === undefined) return;
    const pauseMs = 200 + random.fraction() ** 2 * 15_000;
    trace.note(`${node.name} is paused for ${pauseMs | 0} ms`);
    cluster.pause(node);
    const { runtime } = node;
    await pass(context, pauseMs);
    if (node.runtime !== runtime) return;
    trace.note(`${node.name} runs on`);
    // Asked before it hears what has happened meanwhile.
    if (context.plan.active.has('rivals')) {
      runtime.resume();
      context.rivals.probe(node);
      await cluster.clock.timers.sleep(1);
    }
    cluster.resume(node);
  },

  async diskFailures(context, random) {
    const node = randomNode(context, random);
    if (node === undefined || random.fraction() < 0.5) return;
    const { excused, trace } = context;
    const disk = random.fraction() < 0.5 ? node.kvDisk : node.raftDisk;
    const { faults: before } = disk;
    excused.add(node);
    const code = random.fraction() < 0.5 ? 'diskFull' : 'engineIo';
    trace.note(`${node.name}: the ${disk === node.kvDisk ? 'data' : 'log'} disk fails with ${code}`);
    const isWrite = random.fraction() < 0.5;
    disk.faults = isWrite ? { ...before, write: () => code } : { ...before, sync: () => code };
    await pass(context, random.integer(100, 3_000));
    disk.faults = before;
    await crash(context, node, random);
    excused.delete(node);
  },

  clockJumps(context, random) {
    const { runtime, name } = randomNode(context, random) ?? {};
    if (runtime === undefined) return;
    const byMs = (random.fraction() - 0.5) * 7_200_000;
    context.trace.note(`the wall clock of ${name} jumps by ${byMs | 0} ms`);
    runtime.clock.jumpWall(byMs);
    runtime.clock.driftWall((random.fraction() - 0.5) * 100_000);
  },

  /** Within what leases allow for; takes effect when the node is opened again. */
  clockDrift(context, random) {
    const node = randomNode(context, random);
    if (node !== undefined) node.clockRate = 1 + (random.fraction() - 0.5) * 0.05;
  },

  async schedulerOutages(context, random) {
    const { cluster, trace } = context;
    trace.note('the scheduler is away');
    cluster.scheduler.available = false;
    await pass(context, random.integer(500, 15_000));
    cluster.scheduler.available = true;
    trace.note('the scheduler is back');
  },

  members({ cluster, trace }, random) {
    trace.note('a change of members');
    orderAnyChange(cluster, random);
  },

  rivals({ plan, rivals }, random) {
    if (plan.active.has('splits') && random.fraction() < 0.1) rivals.splitTwice(random);
    return rivals.burst(random);
  },

  transfers({ cluster, trace }, random) {
    trace.note('a transfer of leadership');
    orderTransfer(cluster, random);
  },
};

/** Comes back in the middle of writes, half of the time. */
async function beWriting({ cluster, plan, rivals }: FaultContext, random: Random): Promise<void> {
  if (!plan.active.has('rivals') || random.fraction() < 0.5) return;
  void rivals.burst(random, 50);
  await cluster.clock.timers.sleep(random.fraction() * Math.min(100, plan.syncMs.max));
}

function randomNode({ cluster, excused }: FaultContext, random: Random): TestNode | undefined {
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  return node?.store === undefined || excused.has(node) ? undefined : node;
}

/** A hard crash; what was written and not synced survives as far as chance has it. */
function cut(cluster: TestCluster, node: TestNode, random: Random): void {
  cluster.crash(node, { keptShare: random.fraction() < 0.5 ? 0 : random.fraction() });
}

async function crash(context: FaultContext, node: TestNode, random: Random): Promise<void> {
  const { cluster, trace } = context;
  if (node.store !== undefined) {
    trace.note(`${node.name} crashes`);
    cut(cluster, node, random);
  }
  await pass(context, 1 + random.fraction() ** 2 * 8_000);
  await start(context, node);
}

/** Starts a node unless it runs; without the scheduler, or with a failing disk, it is tried again and again, as a supervisor of processes does. */
async function start(context: FaultContext, node: TestNode): Promise<void> {
  const { cluster, excused, opening, trace } = context;
  if (node.store !== undefined || opening.has(node)) return;
  opening.add(node);
  try {
    while (node.store === undefined) {
      trace.note(`${node.name} starts`);
      node.fatal = undefined;
      await cluster.restart(node).catch(async (error: unknown) => {
        if (!(error instanceof SchedulerError) && !excused.has(node)) throw error;
        cluster.crash(node, { keepsPageCache: true });
        await pass(context, 500);
      });
    }
  } finally {
    opening.delete(node);
  }
}
