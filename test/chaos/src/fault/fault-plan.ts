import { createSeededRandom, type Random } from '@flotilla/runtime';
import { type FaultKind, faultKinds } from './fault-kind.ts';

/** One fault as it was drawn. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** The node it hits, from 0, where it does not hit the leader. */
  readonly node: number;
  /** Whether it hits the node that leads most regions by then. */
  readonly hitsLeader: boolean;
  /** From the fault to its end. */
  readonly holdMs: number;
  /** Decides what else there is to decide, such as the direction of a cut: a whole number below 2^32. */
  readonly draw: number;
}

/** Faults that are on at the same time, after a calm. */
export interface FaultStep {
  readonly calmMs: number;
  readonly faults: readonly PlannedFault[];
}

/** What a plan is drawn from. */
export interface FaultPlanOptions {
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  readonly nodes: number;
  /** No fault is held longer. */
  readonly maxHoldMs: number;
}

const calmMs = [500, 3_000] as const;
/** How often a second fault joins the first. */
const pairShare = 0.2;
/** How often a fault of some node is one of the leader, whom it takes most to do without. */
const leaderShare = 0.5;

/**
 * An endless plan, the same for the same options. Kinds come in rounds, each of which has all of them in an order of its own, so
 * that a run of some length has seen each.
 */
export function* planFaults(options: FaultPlanOptions): Generator<FaultStep, never> {
  const { kinds } = options;
  if (kinds.length === 0) throw new Error('a plan needs a kind of fault');
  const random = createSeededRandom(options.seed).fork('faults');
  for (;;) {
    for (const kind of shuffled(kinds, random)) {
      const first = drawFault(kind, options, random);
      const partner = kinds[random.integer(0, kinds.length)]!;
      const isPair = random.fraction() < pairShare && partner !== kind;
      const second = drawFault(partner, options, random);
      yield { calmMs: random.integer(...calmMs), faults: isPair ? [first, second] : [first] };
    }
  }
}

function drawFault(kind: FaultKind, { nodes, maxHoldMs }: FaultPlanOptions, random: Random): PlannedFault {
  const [shortest, longest] = faultKinds[kind].holdMs;
  const hitsLeader = kind.endsWith('-leader') || (!kind.endsWith('-node') && random.fraction() < leaderShare);
  // Short ones are more frequent, as in life: each doubling of the length is equally likely.
  const from = Math.log(shortest + 500);
  const span = Math.log(Math.max(shortest, Math.min(longest, maxHoldMs)) + 500) - from;
  const holdMs = Math.round(Math.exp(from + span * random.fraction()) - 500);
  return { kind, node: random.integer(0, nodes), hitsLeader, holdMs, draw: random.integer(0, 2 ** 32) };
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.integer(0, rest.length), 1));
  return order;
}
