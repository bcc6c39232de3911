import type { Random } from '@flotilla/runtime';
import type { TestCluster, TestNode } from '@flotilla/test-harness';
import type { Ambushes } from './ambushes.ts';
import type { EventTrace } from './event-trace.ts';
import type { Losses } from './losses.ts';
import type { SimulationPlan } from './plan.ts';
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
  /** Stores that stand still. */
  readonly paused: Set<TestNode>;
  readonly losses: Losses;
  readonly ambushes: Ambushes;
}

/** One kind of fault: what it does each time. */
export type Fault = (context: FaultContext, random: Random) => Promise<void> | void;

/** Lets time pass, at the cluster's pace. */
export function pass({ cluster, plan }: Pick<FaultContext, 'cluster' | 'plan'>, ms: number): Promise<void> {
  return cluster.clock.timers.sleep(ms * plan.timeScale);
}

/** A running store, which no other fault has in its hands; `undefined` when chance finds none. */
export function randomNode({ cluster, excused }: FaultContext, random: Random): TestNode | undefined {
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  return node?.store === undefined || excused.has(node) ? undefined : node;
}
