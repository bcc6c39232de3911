import { type EndedFault, type FaultContext, hold } from './fault-context.ts';
import { seconds } from './process-fault.ts';

const pollMs = 50;
/** How long a node whose sync has failed may take to end. */
const endLimitMs = 10_000;
/** How soon a node that has ended is started again. */
const supervisorMs = 1_000;
const slowest = { leastMs: 20, spanMs: 480 };

/**
 * Fills a node's disk and frees it. The node may stop, and is started again as by a supervisor, also while there is no room; it
 * may not get anything wrong.
 */
export async function fillDisk(context: FaultContext, node: number, holdMs: number): Promise<EndedFault> {
  const { members, world } = context;
  const disk = world.disks[node];
  if (disk === undefined) throw new Error('disks cannot be filled here');
  const settle = members.excuse(node);
  const untilMs = performance.now() + holdMs;
  let ends = 0;
  try {
    await disk.fill();
    while (performance.now() < untilMs && !context.signal.aborted) {
      await hold(context, Math.min(supervisorMs, holdMs));
      if (members.cluster.isRunning(node)) continue;
      ends += 1;
      members.ensureRunning(node);
    }
  } finally {
    disk.free();
  }
  const { name } = members.cluster.planOf(node);
  const became = ends === 0 ? 'went on' : `stopped ${ends} times`;
  return { detail: `${name} for ${seconds(holdMs)}; it ${became}`, settle };
}

/** Makes every sync of a node slow. */
export async function slowSyncs(
  context: FaultContext,
  node: number,
  holdMs: number,
  draw: number,
): Promise<EndedFault> {
  const syncs = syncsOf(context, node);
  const delayMs = slowest.leastMs + (draw % slowest.spanMs);
  syncs.setDelay(delayMs);
  await hold(context, holdMs);
  syncs.setDelay(0);
  const { name } = context.members.cluster.planOf(node);
  return { detail: `${name}, ${delayMs} ms each, for ${seconds(holdMs)}`, settle: () => {} };
}

/** Lets every sync of a node fail: after the first one it has to stop, for it cannot know what is on the disk. */
export async function failSyncs(
  context: FaultContext,
  node: number,
  holdMs: number,
  isAlone: boolean,
): Promise<EndedFault> {
  const { members } = context;
  const syncs = syncsOf(context, node);
  const { cluster } = members;
  const { name } = cluster.planOf(node);
  const settle = members.excuse(node);
  const before = syncs.failed;
  const child = cluster.processOf(node);
  const hasStopped = (): boolean => child?.hasEnded ?? true;
  syncs.setFailing(true);
  const untilEnded = async (ms: number): Promise<void> => {
    for (let waited = 0; waited < ms && !hasStopped(); waited += pollMs) await hold(context, pollMs);
  };
  await untilEnded(holdMs);
  syncs.setFailing(false);
  const failed = syncs.failed - before;
  if (failed > 0) await untilEnded(endLimitMs);
  // Another fault may hold it, or be what ended it.
  if (isAlone && failed > 0 && !hasStopped() && !context.signal.aborted) {
    context.onViolation(`${name} went on after ${failed} failed syncs`);
  }
  members.ensureRunning(node);
  return { detail: `${name}, ${failed} failed; it ${hasStopped() ? 'stopped' : 'went on'}`, settle };
}

function syncsOf({ world }: FaultContext, node: number): NonNullable<(typeof world.syncs)[number]> {
  const syncs = world.syncs[node];
  if (syncs === undefined) throw new Error('syncs cannot be changed here');
  return syncs;
}
