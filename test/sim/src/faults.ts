import type { Random } from '@flotilla/runtime';
import { calmNetwork, cancelOrders, cutAtRandom, orderAnyChange, orderTransfer } from '@flotilla/test-harness';
import { crash, crashes, powerCuts, start } from './crashes.ts';
import { damage } from './damage.ts';
import { type Fault, type FaultContext, pass, randomNode } from './fault-context.ts';
import type { Disturbance } from './plan.ts';
import { taskDeaths } from './task-deaths.ts';

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
  for (const node of [...cluster.nodes]) {
    node.clockRate = 1;
    node.taskFate = undefined;
    node.schedulerLink?.replace();
    cluster.resume(node);
    if (node.fatal !== undefined && context.excused.has(node)) {
      cluster.crash(node);
      node.fatal = undefined;
    }
    await start(context, node);
  }
}

/** Kinds that come more often than faults do. */
const frequent: ReadonlySet<Disturbance> = new Set(['ambushes', 'members', 'transfers', 'rivals']);

async function repeat(kind: Disturbance, fault: Fault, context: FaultContext): Promise<void> {
  const { cluster, plan, isOver } = context;
  const random = cluster.world.random.fork(`fault ${kind}`);
  const gapMs = plan.gapMs * (0.5 + random.fraction() * 1.5) * (frequent.has(kind) ? 0.3 : 1);
  while (!isOver()) {
    await pass(context, (random.fraction() * 2 * gapMs) / plan.timeScale);
    if (!isOver()) await fault(context, random);
  }
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

  crashes,
  powerCuts,
  damage,
  taskDeaths,

  async pauses(context, random) {
    const { cluster, trace } = context;
    const node = randomNode(context, random);
    if (node === undefined) return;
    const pauseMs = 200 + random.fraction() ** 2 * 15_000;
    trace.note(`${node.name} is paused for ${pauseMs | 0} ms`);
    cluster.pause(node);
    context.paused.add(node);
    const { runtime } = node;
    await pass(context, pauseMs);
    context.paused.delete(node);
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
    const { runtime, name } = nodeOrLeader(context, random) ?? {};
    if (runtime === undefined) return;
    const byMs = (random.fraction() - 0.5) * 7_200_000;
    context.trace.note(`the wall clock of ${name} jumps by ${byMs | 0} ms`);
    runtime.clock.jumpWall(byMs);
    // Now and then ten times as fast as time.
    runtime.clock.driftWall(random.fraction() < 0.2 ? 9_000_000 : (random.fraction() - 0.5) * 100_000);
  },

  /** With leases within what they allow for, between the slowest and the fastest; without, as wrong as a clock can be. */
  clockDrift(context, random) {
    const node = nodeOrLeader(context, random);
    if (node === undefined) return;
    const isWild = !context.plan.active.has('leaseReads') && random.fraction() < 0.3;
    node.clockRate = isWild ? 10 ** (random.fraction() * 2 - 1) : 1 + (random.fraction() - 0.5) * 0.09;
    context.trace.note(`the clock of ${node.name} runs at ${node.clockRate.toFixed(3)}`);
  },

  async schedulerOutages(context, random) {
    const { cluster, trace } = context;
    trace.note('the scheduler is away');
    cluster.scheduler.available = false;
    await pass(context, random.integer(500, 15_000));
    cluster.scheduler.available = true;
    trace.note('the scheduler is back');
  },

  members({ cluster, losses, plan, trace }, random) {
    if (losses.areMembersFrozen) return;
    trace.note('a change of members');
    orderAnyChange(cluster, random, plan.active.has('damage') ? 3 : 1);
  },

  rivals({ plan, rivals }, random) {
    if (plan.active.has('splits') && random.fraction() < 0.1) rivals.splitTwice(random);
    return rivals.burst(random);
  },

  ambushes({ ambushes }, random) {
    return ambushes.lay(random);
  },

  transfers({ cluster, trace }, random) {
    trace.note('a transfer of leadership');
    orderTransfer(cluster, random);
  },
};

/** A running store, the leader of some region half of the time. */
function nodeOrLeader(context: FaultContext, random: Random): ReturnType<typeof randomNode> {
  const node = randomNode(context, random);
  const regions = context.cluster.scheduler.regions();
  const led = regions[random.integer(0, Math.max(1, regions.length))]?.region.id;
  if (led === undefined || random.fraction() < 0.5) return node;
  return context.cluster.leader(led) ?? node;
}
