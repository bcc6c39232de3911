import { unreachable } from '@flotilla/runtime';
import type { EndedFault, FaultContext } from './fault-context.ts';
import type { PlannedFault } from './fault-plan.ts';
import { cutNode, cutOneWay, cutPartial } from './network-fault.ts';
import { killAll, killMember, pauseMember, restartNode } from './process-fault.ts';
import { churnRegions } from './region-order.ts';
import { failSyncs, fillDisk, slowSyncs } from './storage-fault.ts';

/** Makes a fault, holds it, and ends it. `isAlone` says that no other fault is on meanwhile. */
export async function makeFault(context: FaultContext, fault: PlannedFault, isAlone: boolean): Promise<EndedFault> {
  const { kind, holdMs, draw } = fault;
  const node = fault.hitsLeader ? await leaderOr(context, fault.node) : fault.node;
  switch (kind) {
    case 'kill-node':
    case 'kill-leader':
      return killMember(context, node, holdMs);
    case 'kill-all':
      return killAll(context, holdMs);
    case 'kill-scheduler':
      return killMember(context, 'scheduler', holdMs);
    case 'restart-node':
    case 'restart-leader':
      return restartNode(context, node, holdMs, isAlone);
    case 'pause-node':
    case 'pause-leader':
      return pauseMember(context, node, holdMs);
    case 'pause-scheduler':
      return pauseMember(context, 'scheduler', holdMs);
    case 'churn':
      return churnRegions(context, holdMs, draw);
    case 'cut-node':
    case 'cut-leader':
      return cutNode(context, node, holdMs, draw);
    case 'cut-one-way':
      return cutOneWay(context, node, holdMs, draw);
    case 'cut-partial':
      return cutPartial(context, holdMs, draw);
    case 'fill-disk':
      return fillDisk(context, node, holdMs);
    case 'slow-syncs':
      return slowSyncs(context, node, holdMs, draw);
    case 'fail-syncs':
      return failSyncs(context, node, holdMs, isAlone);
    default:
      return unreachable(kind, 'a kind of fault');
  }
}

/** The node that leads most regions; another where none is found in time. */
function leaderOr({ members }: FaultContext, node: number): Promise<number> {
  return members.cluster.findLeader(2_000).catch(() => node);
}
