import type { Random } from '@flotilla/runtime';
import {
  type DiskDamage,
  damageLog,
  damageSnapshotFile,
  loseDatabase,
  loseState,
  type TestNode,
  truncateLog,
} from '@flotilla/test-harness';
import { cutNode, isDamageError, start } from './crashes.ts';
import { type Fault, type FaultContext, pass, randomNode } from './fault-context.ts';

/** What happens to the disk of a store that is down. */
const downDamages = [damageLog, damageLog, loseState, loseDatabase] as const;

/** What disks do beside failing: bits flip, files are cut short or gone, whole disks are. */
export const damage: Fault = async (context, random) => {
  if (random.fraction() < 0.4) {
    rotSnapshot(context, random);
    return;
  }
  const node = randomNode(context, random);
  if (node === undefined) return;
  await context.losses.risk(context, node, async () => {
    const dice = random.fraction();
    if (dice < 0.15) await context.losses.replace(context, node, 'its disks are gone');
    else if (dice < 0.35) await rotWhileRunning(context, node, random);
    else await rotWhileDown(context, node, random);
  });
};

function rotSnapshot({ cluster, trace }: FaultContext, random: Random): void {
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  const what = node === undefined ? undefined : damageSnapshotFile(node, random);
  if (what !== undefined) trace.note(`${node?.name}: the snapshot file ${what}`);
}

/** A record rots under a running store: it finds out when it reads it, or at its next start; or it never needs it again. */
async function rotWhileRunning(context: FaultContext, node: TestNode, random: Random): Promise<void> {
  const { losses } = context;
  const found = damageLog(node, random);
  if (found === undefined) return;
  losses.damage(node, found.what);
  const waits = random.integer(0, 20);
  for (let waited = 0; waited < waits && node.fatal === undefined; waited += 1) await pass(context, 500);
  const { fatal } = node;
  if (fatal !== undefined) {
    if (!isDamageError(fatal))
      throw new Error(`${node.name} stopped for another reason than its damage`, { cause: fatal });
    await losses.replace(context, node, fatal.message);
    return;
  }
  cutNode(context, node, random);
  await startDamaged(context, node, found);
}

async function rotWhileDown(context: FaultContext, node: TestNode, random: Random): Promise<void> {
  const { losses } = context;
  const isTruncation = random.fraction() < 0.25;
  const image = node.raftDisk.durableImage();
  if (isTruncation) await pass(context, random.integer(100, 5_000));
  if (node.store !== undefined) cutNode(context, node, random);
  await pass(context, random.integer(1, 1_000));
  const harm = downDamages[random.integer(0, downDamages.length)] ?? damageLog;
  const found = isTruncation ? truncateLog(node, image) : harm(node, random);
  if (found !== undefined) losses.damage(node, found.what);
  await startDamaged(context, node, found);
}

/** Starts a node; with damage that matters it must not open. */
async function startDamaged(context: FaultContext, node: TestNode, found: DiskDamage | undefined): Promise<void> {
  const isNeeded = found?.isThere() === true;
  await start(context, node);
  if (isNeeded && !context.losses.isLost(node)) {
    throw new Error(`${node.name} went unnoticed that ${found.what}`);
  }
}
