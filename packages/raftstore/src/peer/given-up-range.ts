import type { metapb } from '@flotilla/protocol';
import { compareKeys } from '@flotilla/scheduler-client';
import { isInitialized } from '../region.ts';
import type { Peer } from './peer.ts';

/**
 * Deletes the data behind the region's end that it had before it was given a snapshot from after a split: nobody on this
 * store has that range now. Queued before anybody can claim it, so that it cannot delete what comes after.
 */
export function deleteGivenUp(peer: Peer, before: metapb.Region): void {
  const { context, region } = peer;
  const { endKey } = region;
  const isWhole = endKey.length === 0 || compareKeys(before.endKey, endKey) === 0;
  if (!isInitialized(before) || isWhole) return;
  peer.splitCheck.remeasure();
  const task = { type: 'destroy', regionId: peer.regionId, startKey: endKey, endKey: before.endKey } as const;
  if (!context.scheduleRegionTask(task)) peer.logger.warn('the data behind the new end of a region were left behind');
}
