/** What has to be there for a fault. */
export type FaultNeed = 'processes' | 'network' | 'disk' | 'syncs';

/** What is known of a kind of fault. */
export interface FaultKindFacts {
  readonly need: FaultNeed;
  /** The shortest and the longest time between the fault and its end. */
  readonly holdMs: readonly [number, number];
  readonly what: string;
}

/** Every kind of fault, by the name that `--faults` takes. */
export const faultKinds = {
  'kill-node': facts('processes', [0, 5_000], 'a node is killed and started again'),
  'kill-leader': facts('processes', [0, 5_000], 'the node that leads most regions is killed and started again'),
  'kill-all': facts('processes', [0, 2_000], 'all nodes are killed and started again'),
  'kill-scheduler': facts('processes', [0, 5_000], 'the scheduler is killed and started again'),
  'restart-node': facts('processes', [0, 2_000], 'a node is asked to stop, and started again'),
  'restart-leader': facts(
    'processes',
    [0, 2_000],
    'the node that leads most regions is asked to stop, and started again',
  ),
  'pause-node': facts('processes', [1_000, 30_000], 'a node stands still'),
  'pause-leader': facts('processes', [1_000, 30_000], 'the node that leads most regions stands still'),
  'pause-scheduler': facts('processes', [1_000, 30_000], 'the scheduler stands still'),
  churn: facts('processes', [3_000, 10_000], 'regions are split, leaders and replicas are moved'),
  'cut-node': facts('network', [2_000, 30_000], 'a node and the others, or everybody, do not reach each other'),
  'cut-leader': facts('network', [2_000, 30_000], 'the same, for the node that leads most regions'),
  'cut-one-way': facts('network', [2_000, 30_000], 'nothing reaches a node, or nothing leaves it'),
  'cut-partial': facts('network', [2_000, 30_000], 'some nodes do not reach some others, in one direction each'),
  'fill-disk': facts('disk', [2_000, 8_000], "a node's disk is full"),
  'slow-syncs': facts('syncs', [2_000, 15_000], "a node's syncs take long"),
  'fail-syncs': facts('syncs', [2_000, 10_000], "a node's syncs fail"),
} as const satisfies Readonly<Record<string, FaultKindFacts>>;

/** The name of a kind of fault. */
export type FaultKind = keyof typeof faultKinds;

/** Every kind, in the order of the table. */
export const allFaultKinds = Object.keys(faultKinds) as readonly FaultKind[];

/** Whether a text names a kind of fault. */
export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(faultKinds, name);
}

function facts(need: FaultNeed, holdMs: readonly [number, number], what: string): FaultKindFacts {
  return { need, holdMs, what };
}
