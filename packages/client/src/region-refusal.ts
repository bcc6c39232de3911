import type { errorpb } from '@flotilla/protocol';
import { type CachedRegion, firstChoice, type RegionCache } from './region-cache.ts';

/**
 * What a region's refusal means for the call.
 *
 * - `retryNow`: we have just learned better; the request took no effect.
 * - `retryLater`: something has to pass first; the request took no effect.
 * - `invalid`: no retry helps; the request took no effect.
 * - `unknown`: the request may have taken effect.
 */
export type RefusalAdvice = 'retryNow' | 'retryLater' | 'invalid' | 'unknown';

/** Brings the cache up to date with what a region's refusal tells, and says how to go on. */
export function learnFromRefusal(
  error: errorpb.Error,
  asked: CachedRegion,
  cache: RegionCache,
  doubtStore: (storeId: number) => void,
): RefusalAdvice {
  const { region } = asked;
  const peer = firstChoice(asked);
  if (error.outcomeUnknown !== undefined) return 'unknown';
  if (error.raftEntryTooLarge !== undefined) return 'invalid';
  if (error.invalidRequest !== undefined) {
    // The peer that we asked has been replaced by another on the same store: our picture of the region is out of date.
    if (error.invalidRequest.field !== 'header.peer') return 'invalid';
    cache.delete(region.id);
    return 'retryLater';
  }
  if (error.notLeader !== undefined) {
    const { leader } = error.notLeader;
    if (leader !== undefined && leader.id !== peer?.id) {
      cache.setLeader(region.id, leader);
      return 'retryNow';
    }
    if (peer !== undefined) cache.avoid(region.id, peer);
    return 'retryLater';
  }
  if (error.epochNotMatch !== undefined) {
    const { currentRegions } = error.epochNotMatch;
    let isNews = false;
    for (const current of currentRegions) {
      // The peer that answered leads at least one of them, or its successor soon tells who does.
      const leader = current.peers.find(({ storeId }) => storeId === peer?.storeId);
      if (cache.insert(current, leader)) isNews = true;
    }
    // A store that is behind us tells of regions older than ours: asking again at once would only spin.
    const isBehind = cache.find(region.startKey)?.region === region;
    if (isNews && !isBehind) return 'retryNow';
    if (currentRegions.length === 0) cache.delete(region.id);
    return 'retryLater';
  }
  if (error.keyNotInRegion !== undefined) {
    cache.delete(region.id);
    return 'retryLater';
  }
  if (error.regionNotFound !== undefined) {
    cache.delete(region.id);
    return 'retryLater';
  }
  if (error.storeNotMatch !== undefined) {
    if (peer !== undefined) doubtStore(peer.storeId);
    return 'retryLater';
  }
  // `staleCommand`, `serverIsBusy`, and whatever a newer store may add: refusals, by the contract, take no effect.
  return error.staleCommand !== undefined || error.serverIsBusy !== undefined ? 'retryLater' : 'unknown';
}

/** A few words on a refusal, without keys. */
export function describeRefusal(error: errorpb.Error, regionId: number): string {
  const kinds = Object.entries(error)
    .filter(([field, value]) => field !== 'message' && value !== undefined)
    .map(([field]) => field);
  return `region ${regionId} answered ${kinds.join(', ') || 'an error without a kind'}`;
}
