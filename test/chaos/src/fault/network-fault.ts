import { createSeededRandom } from '@flotilla/runtime';
import type { Network, NetworkMember } from '../world/network.ts';
import { type EndedFault, type FaultContext, hold } from './fault-context.ts';
import { seconds } from './process-fault.ts';

/** One direction between two members. */
export type Direction = readonly [from: NetworkMember, to: NetworkMember];

/**
 * Cuts a node off, both ways: from everybody, or from the other nodes alone. In that case clients go on asking it, which must
 * not answer for the others.
 */
export function cutNode(context: FaultContext, node: number, holdMs: number, draw: number): Promise<EndedFault> {
  const isWhole = draw % 2 === 0;
  const others = networkOf(context)
    .othersThan(node)
    .filter((other) => isWhole || typeof other === 'number');
  const cuts = others.flatMap((other): Direction[] => [
    [node, other],
    [other, node],
  ]);
  return holdCuts(context, cuts, holdMs, `node-${node + 1} from ${isWhole ? 'everybody' : 'the other nodes'}`);
}

/** Cuts all that a node sends, or all that is sent to it. */
export function cutOneWay(context: FaultContext, node: number, holdMs: number, draw: number): Promise<EndedFault> {
  const others = networkOf(context).othersThan(node);
  const isOutbound = draw % 2 === 0;
  const cuts = others.map((other): Direction => (isOutbound ? [node, other] : [other, node]));
  return holdCuts(context, cuts, holdMs, `all that node-${node + 1} ${isOutbound ? 'sends' : 'is sent'}`);
}

/** Cuts some directions between nodes, and between nodes and the scheduler; clients reach everybody. */
export function cutPartial(context: FaultContext, holdMs: number, draw: number): Promise<EndedFault> {
  const cuts = drawDirections(context.members.cluster.plans.length, draw);
  return holdCuts(context, cuts, holdMs, cuts.map(([from, to]) => `${nameOf(from)}→${nameOf(to)}`).join(', '));
}

/** Some, at least one, of the directions between nodes and the scheduler: each with one chance in three. */
export function drawDirections(nodes: number, draw: number): Direction[] {
  const random = createSeededRandom(draw);
  const members: NetworkMember[] = ['scheduler', ...Array.from({ length: nodes }, (_, node) => node)];
  const all = members.flatMap((from) => members.filter((to) => to !== from).map((to): Direction => [from, to]));
  const sure = random.integer(0, all.length);
  return all.filter((_, position) => random.fraction() < 1 / 3 || position === sure);
}

async function holdCuts(
  context: FaultContext,
  cuts: readonly Direction[],
  holdMs: number,
  what: string,
): Promise<EndedFault> {
  const network = networkOf(context);
  const heals: (() => void)[] = [];
  try {
    for (const [from, to] of cuts) heals.push(network.cut(from, to));
    await hold(context, holdMs);
  } finally {
    for (const heal of heals) heal();
  }
  return { detail: `${what} for ${seconds(holdMs)}`, settle: () => {} };
}

function networkOf({ world }: FaultContext): Network {
  if (world.network === undefined) throw new Error('links cannot be cut here');
  return world.network;
}

function nameOf(member: NetworkMember): string {
  return typeof member === 'number' ? `node-${member + 1}` : member;
}
