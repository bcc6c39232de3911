import type { Random } from '@flotilla/runtime';
import { createSeededRandom } from '@flotilla/runtime';
import { ProcessUnderTest, type RegionReport, type ReportingNode } from '@flotilla/test-harness';
import { programs } from '../programs.ts';
import { type EndedFault, type FaultContext, hold } from './fault-context.ts';
import { seconds } from './process-fault.ts';

const splitShare = 0.2;
const pauseMs = 300;
/** Ordered; not reached, or not possible as things stand. Anything else is a fault of the command line or of the scheduler. */
const fineCodes: ReadonlySet<number | null> = new Set([0, 69, 73]);

/** Splits regions, and moves leaders and replicas to where they need not be, one order after the other. */
export async function churnRegions(context: FaultContext, holdMs: number, draw: number): Promise<EndedFault> {
  const { cluster } = context.members;
  const random = createSeededRandom(draw);
  const untilMs = performance.now() + holdMs;
  let done = 0;
  let given = 0;
  while (performance.now() < untilMs && !context.signal.aborted) {
    const order = drawOrder(await cluster.statuses(), random);
    if (order !== undefined) {
      const args = [programs.flotilla, '--scheduler', cluster.schedulerAddress, '--timeout-ms', '2000', ...order];
      const { code, errors } = await new ProcessUnderTest('flotilla', args, { isDetached: true }).ended;
      given += 1;
      if (code === 0) done += 1;
      if (!fineCodes.has(code)) context.onViolation(`flotilla ${order.join(' ')} ended with ${code}: ${errors.trim()}`);
    }
    await hold(context, pauseMs);
  }
  return { detail: `${given} orders in ${seconds(holdMs)}, ${done} of them taken`, settle: () => {} };
}

/** An order for some region of which a node has told, as the command line takes it. */
export function drawOrder(reports: readonly ReportingNode[], random: Random): string[] | undefined {
  const regions = reports.flatMap(({ status }) => status.regions).filter(({ leader }) => leader !== undefined);
  const region = pick(regions, random);
  if (region === undefined) return undefined;
  const id = String(region.region.id);
  if (random.fraction() < splitShare) return ['region', 'split', id];
  const from = pick(storesOf(region), random);
  const elsewhere = reports.map(({ status }) => status.store.id).filter((store) => !storesOf(region).includes(store));
  const to = pick(elsewhere, random);
  if (from !== undefined && to !== undefined) return ['region', 'move-peer', id, String(from), String(to)];
  const follower = pick(
    storesOf(region).filter((store) => store !== region.leader?.storeId),
    random,
  );
  return follower === undefined ? undefined : ['region', 'transfer-leader', id, String(follower)];
}

function storesOf({ region }: RegionReport): number[] {
  return region.peers.map(({ storeId }) => storeId);
}

function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items.length === 0 ? undefined : items[random.integer(0, items.length)];
}
