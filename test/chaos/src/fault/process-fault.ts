import type { ClusterMember } from '@flotilla/test-harness';
import { type EndedFault, type FaultContext, hold } from './fault-context.ts';

const nothing = (): void => {};

/** Kills a member and starts it again. */
export async function killMember(context: FaultContext, member: ClusterMember, holdMs: number): Promise<EndedFault> {
  const { members } = context;
  await members.kill(member);
  await hold(context, holdMs);
  members.ensureRunning(member);
  return { detail: `${members.cluster.planOf(member).name}, down for ${seconds(holdMs)}`, settle: nothing };
}

/** Kills all nodes at once and starts them again. */
export async function killAll(context: FaultContext, holdMs: number): Promise<EndedFault> {
  const { members } = context;
  const nodes = [...members.cluster.plans.keys()];
  await Promise.all(nodes.map((node) => members.kill(node)));
  await hold(context, holdMs);
  for (const node of nodes) members.ensureRunning(node);
  return { detail: `${nodes.length} nodes, down for ${seconds(holdMs)}`, settle: nothing };
}

/** Asks a node to stop and starts it again; one that is asked while nothing else is wrong stops cleanly. */
export async function restartNode(
  context: FaultContext,
  node: number,
  holdMs: number,
  isAlone: boolean,
): Promise<EndedFault> {
  const { members } = context;
  const { name } = members.cluster.planOf(node);
  const end = await members.stop(node);
  if (isAlone && end?.code !== 0) {
    context.onViolation(`${name} was asked to stop and ended with ${end?.signal ?? `code ${end?.code}`}, not with 0`);
  }
  await hold(context, holdMs);
  members.ensureRunning(node);
  return { detail: `${name}, down for ${seconds(holdMs)}`, settle: nothing };
}

/** Stops a member in its tracks and lets it go on. */
export async function pauseMember(context: FaultContext, member: ClusterMember, holdMs: number): Promise<EndedFault> {
  const { cluster } = context.members;
  cluster.pause(member);
  await hold(context, holdMs);
  cluster.resume(member);
  return { detail: `${cluster.planOf(member).name} for ${seconds(holdMs)}`, settle: nothing };
}

/** Milliseconds as people read them. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
