import { metapb } from '@flotilla/protocol';
import type { RegionReport } from '@flotilla/scheduler-client';
import type { StoreView } from './store-registry.ts';

/**
 * The store that should get one more replica of a region: among those that could take it, the one with the fewest regions,
 * the lower id of equals. Undefined when the region has as many replicas as it should or as there are stores for them, and
 * while a peer is still catching up: one change at a time keeps a majority that has the data.
 */
export function storeForReplica(
  report: RegionReport,
  stores: readonly StoreView[],
  maxPeerCount: number,
): number | undefined {
  if (report.region.peers.length >= maxPeerCount || report.pendingPeers.length > 0) return undefined;
  let best: StoreView | undefined;
  for (const candidate of stores) {
    const isTaken = report.region.peers.some((peer) => peer.storeId === candidate.store.id);
    if (isTaken || !canTakeReplica(candidate)) continue;
    if (best === undefined || regionCount(candidate) < regionCount(best)) best = candidate;
  }
  return best?.store.id;
}

/** Whether a store takes part in the cluster and has been heard of lately. */
export function canTakeReplica({ store, liveness }: StoreView): boolean {
  return store.state === metapb.StoreState.Up && liveness === 'up';
}

function regionCount({ stats }: StoreView): number {
  return stats?.regionCount ?? 0;
}
