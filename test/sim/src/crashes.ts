import type { Random } from '@flotilla/runtime';
import { SchedulerError } from '@flotilla/scheduler-client';
import type { TestCluster, TestNode } from '@flotilla/test-harness';
import { type Fault, type FaultContext, pass, randomNode } from './fault-context.ts';

/** One store crashes, and comes back. */
export const crashes: Fault = async (context, random) => {
  const node = randomNode(context, random);
  if (node === undefined) return;
  await beWriting(context, random);
  if (random.fraction() < 0.6) await strike(context, node, random, () => cutNode(context, node, random));
  // Another fault has taken it in hand meanwhile, and starts it.
  if (context.excused.has(node)) return;
  await crash(context, node, random);
};

/** All stores lose power at once. */
export const powerCuts: Fault = async (context, random) => {
  if (random.fraction() < 0.5) return;
  await beWriting(context, random);
  const { cluster, trace } = context;
  const cutAll = (): void => {
    trace.note('a power cut of every store');
    for (const node of cluster.nodes) if (node.store !== undefined) cut(cluster, node, random);
  };
  const first = randomNode(context, random);
  if (first !== undefined && random.fraction() < 0.5) await strike(context, first, random, cutAll);
  else cutAll();
  await pass(context, random.integer(1, 2_000));
  // Another fault has what it has excused in its hands, and starts it.
  for (const node of [...cluster.nodes]) if (!context.excused.has(node)) await start(context, node);
};

/** Crashes a store if it runs, and starts it again after a while. */
export async function crash(context: FaultContext, node: TestNode, random: Random): Promise<void> {
  if (node.store !== undefined) cutNode(context, node, random);
  await pass(context, 1 + random.fraction() ** 2 * 8_000);
  await start(context, node);
}

/** Crashes a store unless another fault has it in its hands; it starts again `ms` later. */
export async function crashFor(context: FaultContext, node: TestNode, ms: number, random: Random): Promise<void> {
  if (node.store === undefined || context.excused.has(node)) return;
  cutNode(context, node, random);
  await context.cluster.clock.timers.sleep(ms);
  await start(context, node);
}

/** Ends a store hard. */
export function cutNode({ cluster, trace }: FaultContext, node: TestNode, random: Random): void {
  trace.note(`${node.name} crashes`);
  cut(cluster, node, random);
}

/**
 * Starts a node unless it runs; without the scheduler, or with a failing disk, it is tried again and again, as a supervisor of
 * processes does. One that finds its disk damaged, and has a cause for it, is replaced.
 */
export async function start(context: FaultContext, node: TestNode): Promise<void> {
  const { cluster, excused, losses, opening, trace } = context;
  if (node.store !== undefined || opening.has(node) || losses.isLost(node)) return;
  opening.add(node);
  try {
    while (node.store === undefined) {
      trace.note(`${node.name} starts`);
      node.fatal = undefined;
      const error: unknown = await cluster.restart(node).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      if (error === undefined) return;
      if (losses.isDamaged(node) && isDamageError(error)) {
        await losses.replace(context, node, (error as Error).message);
        return;
      }
      if (!(error instanceof SchedulerError) && !excused.has(node)) {
        const { stack = String(error) } = error as Partial<Error>;
        throw new Error(`${node.name} does not open: ${stack}`, { cause: error });
      }
      cluster.crash(node, { keepsPageCache: true });
      await pass(context, 500);
    }
  } finally {
    opening.delete(node);
  }
}

/** Whether a store says that its disk is not what it wrote. */
export function isDamageError(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return code === 'corruptedRecord' || code === 'corrupted' || code === 'engineCorrupted';
}

/**
 * Has `end` called in the middle of what a store does: between two of its effects, or two promise continuations after one;
 * at the latest after a while.
 */
async function strike(context: FaultContext, node: TestNode, random: Random, end: () => void): Promise<void> {
  const { cluster, trace } = context;
  const effects = random.integer(1, 40);
  const continuations = random.fraction() < 0.3 ? 0 : random.integer(1, 60);
  const isOver = cluster.strikeAt(node, effects, continuations, () => {
    trace.note(`${node.name} is struck ${continuations} continuations after an effect`);
    end();
  });
  for (let waits = 0; waits < 20 && !isOver(); waits += 1) await pass(context, 100);
  if (!isOver()) end();
}

/** Comes back in the middle of writes, half of the time. */
async function beWriting({ cluster, plan, rivals }: FaultContext, random: Random): Promise<void> {
  if (!plan.active.has('rivals') || random.fraction() < 0.5) return;
  void rivals.burst(random, 50);
  await cluster.clock.timers.sleep(random.fraction() * Math.min(100, plan.syncMs.max));
}

/** A hard crash; what was written and not synced survives as far as chance has it. */
function cut(cluster: TestCluster, node: TestNode, random: Random): void {
  cluster.crash(node, { keptShare: random.fraction() < 0.5 ? 0 : random.fraction() });
}
