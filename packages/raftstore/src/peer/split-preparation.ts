import { readRegionState } from '@flotilla/engine';
import type { errorpb, metapb, raft_cmdpb } from '@flotilla/protocol';
import { epochOf } from '@flotilla/scheduler-client';
import { checkSplitKeys, planSplit } from '../apply/split.ts';
import { checkMachineSplit } from '../machine/machine-check.ts';
import { isInitialized, isJoint } from '../region.ts';
import { epochNotMatch, failed, invalidRequest, notLeader, regionNotFound, serverIsBusy } from '../region-error.ts';
import type { Reply } from '../reply.ts';
import { neighboursOf } from './current-regions.ts';
import type { Peer } from './peer.ts';

/**
 * Begins a split at `splitKeys`, in the middle without any: checks that it is about the region as it is, then asks the
 * scheduler for the ids of the new regions. The command that follows is proposed with the epoch that the ids were given for.
 */
export function prepareSplit(
  peer: Peer,
  epoch: metapb.RegionEpoch | undefined,
  splitKeys: readonly Uint8Array[],
  reply: Reply,
): void {
  const { context, region } = peer;
  const refusal = refuse(peer, epoch, splitKeys);
  if (refusal !== undefined) {
    reply(failed(refusal, peer.term));
    return;
  }
  if (splitKeys.length === 0) {
    peer.splitCheck.splitInMiddle(peer, reply);
    return;
  }
  context.askSplit({ region, peer: peer.meta, splitKeys, reply });
}

function refuse(
  peer: Peer,
  epoch: metapb.RegionEpoch | undefined,
  splitKeys: readonly Uint8Array[],
): errorpb.Error | undefined {
  const { context, region } = peer;
  if (peer.isDestroying) return regionNotFound(peer.regionId);
  if (!peer.isLeader || !isInitialized(region)) return notLeader(peer.regionId, peer.leader);
  if (epoch !== undefined && epoch.version !== epochOf(region).version) {
    return epochNotMatch([region, ...neighboursOf(context.regions, region, epoch)]);
  }
  if (isJoint(region)) return serverIsBusy('a membership change is under way');
  const whole = checkMachineSplit(splitKeys, region, context.machines.kinds);
  if (whole !== undefined) return whole;
  return splitKeys.length === 0 ? undefined : checkSplitKeys(splitKeys, region, 'splitKeys');
}

/** Why a split cannot be proposed: what it would be refused for when it is applied, and ids that are in use here. */
export function checkSplit(
  peer: Peer,
  epoch: metapb.RegionEpoch,
  requests: readonly raft_cmdpb.SplitRequest[],
): errorpb.Error | undefined {
  if (isJoint(peer.region)) return serverIsBusy('a membership change is under way');
  const plan = planSplit(peer.region, epoch, requests);
  if (!Array.isArray(plan)) return plan as errorpb.Error;
  const splitKeys = requests.map(({ splitKey }) => splitKey);
  const whole = checkMachineSplit(splitKeys, peer.region, peer.context.machines.kinds);
  if (whole !== undefined) return whole;
  const { kvEngine, regions } = peer.context;
  const used = requests.find(
    ({ newRegionId: id }) => regions.getById(id) !== undefined || readRegionState(kvEngine, id) !== undefined,
  );
  return used === undefined ? undefined : invalidRequest('newRegionId', `region ${used.newRegionId} is not new`);
}
