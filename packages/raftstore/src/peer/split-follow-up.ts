import { assert } from '@flotilla/runtime';
import type { RegionSplit } from '../apply/split.ts';
import type { Peer } from './peer.ts';
import { share } from './split-check.ts';

/**
 * Follows a split that has been applied: the range tree, the regions, the peers and what they remember change in one go,
 * before anything else is handled. So does a peer that is going, whose data would otherwise take the new regions' with
 * them.
 */
export function followSplit(peer: Peer, split: RegionSplit): void {
  const { context } = peer;
  const [own, ...others] = split.regions;
  assert(own !== undefined && own.id === peer.regionId, 'the first part is the region itself', {
    regionId: peer.regionId,
  });
  const leads = peer.isLeader && !peer.isDestroying;
  const before = peer.splitCheck.size;
  peer.region = own;
  if (peer.isDestroying) context.claimedRegions.set(own.id, own);
  else context.regions.replace({ region: own });
  peer.splitCheck.splitInto(split.regions.length);
  context.regionChanged({ type: 'split', region: own, parts: split.regions });
  const size = before === undefined ? undefined : share(before, split.regions.length);
  for (const region of others) {
    context.addPart({ region, size, isLed: leads, isLeftOut: split.leftOut.includes(region.id) });
  }
  peer.logger.info('the region was split', {
    parts: split.regions.map(({ id }) => id),
    version: own.regionEpoch?.version,
  });
  if (!leads) return;
  context.metrics.splits += 1;
  peer.ticker.heartbeatSoon();
  context.reportSplit(split.regions);
  peer.ticker.boundaries.ask(peer);
}
