import { type errorpb, metapb, raft_cmdpb } from '@flotilla/protocol';
import { compareKeys, epochOf, isSameEpoch } from '@flotilla/scheduler-client';
import { isKeyInRegion } from '../region.ts';
import { epochNotMatch, invalidRequest, keyNotInRegion } from '../region-error.ts';

const { AdminCmdType } = raft_cmdpb;

/** A logged split: the region keeps what is left of the first key, and each key begins a new region. */
export interface RegionSplit {
  readonly type: 'split';
  /** All parts in key order; the first is the region that was split. */
  readonly regions: readonly metapb.Region[];
  /** New regions of which this store has no peer to start: it has, or had, another one. */
  readonly leftOut: readonly number[];
}

/** The new regions that an admin command asks for, in key order; `undefined` when it is no split. */
export function splitRequestsOf(admin: raft_cmdpb.AdminRequest): readonly raft_cmdpb.SplitRequest[] | undefined {
  if (admin.cmdType === AdminCmdType.Split && admin.split !== undefined) return [admin.split];
  return admin.cmdType === AdminCmdType.BatchSplit ? admin.batchSplit?.requests : undefined;
}

/** Why these keys cannot part the region: each is inside it, behind its first key, and behind the one before. */
export function checkSplitKeys(
  keys: readonly Uint8Array[],
  region: metapb.Region,
  field: string,
): errorpb.Error | undefined {
  if (keys.length === 0) return invalidRequest(field, 'a split names a key');
  let before = region.startKey;
  for (const [position, key] of keys.entries()) {
    if (!isKeyInRegion(key, region)) return keyNotInRegion(key, region);
    if (compareKeys(before, key) >= 0) {
      return invalidRequest(
        `${field}[${position}]`,
        'a split key lies behind the one before and the start of the region',
      );
    }
    before = key;
  }
  return undefined;
}

/**
 * The parts of a region, in key order, or why it cannot be split so. Checked before a split is proposed and again when it is
 * applied: the same entry gives the same parts on every replica.
 *
 * The version of every part rises by the number of new regions, so that no two regions that ever held a key share one.
 */
export function planSplit(
  region: metapb.Region,
  epoch: metapb.RegionEpoch,
  requests: readonly raft_cmdpb.SplitRequest[],
): readonly metapb.Region[] | errorpb.Error {
  if (!isSameEpoch(epoch, epochOf(region))) return epochNotMatch([region]);
  const keys = requests.map(({ splitKey }) => splitKey);
  const refusal = checkSplitKeys(keys, region, 'adminRequest.split') ?? checkIds(region, requests);
  if (refusal !== undefined) return refusal;
  const regionEpoch = { confVer: epoch.confVer, version: epoch.version + requests.length };
  const parts = requests.map((request, position) =>
    metapb.Region.create({
      id: request.newRegionId,
      startKey: request.splitKey,
      endKey: keys[position + 1] ?? region.endKey,
      regionEpoch,
      peers: region.peers.map((peer, number) => ({ ...peer, id: request.newPeerIds[number] ?? 0 })),
    }),
  );
  return [{ ...region, endKey: keys[0] ?? region.endKey, regionEpoch }, ...parts];
}

function checkIds(region: metapb.Region, requests: readonly raft_cmdpb.SplitRequest[]): errorpb.Error | undefined {
  const regionIds = new Set([region.id]);
  const peerIds = new Set(region.peers.map(({ id }) => id));
  for (const [position, { newRegionId, newPeerIds }] of requests.entries()) {
    const field = `adminRequest.split[${position}]`;
    if (newRegionId <= 0 || regionIds.has(newRegionId)) {
      return invalidRequest(`${field}.newRegionId`, `${newRegionId} is not the id of a new region`);
    }
    if (newPeerIds.length !== region.peers.length) {
      return invalidRequest(`${field}.newPeerIds`, `${newPeerIds.length} ids for ${region.peers.length} peers`);
    }
    regionIds.add(newRegionId);
    for (const id of newPeerIds) {
      if (id <= 0 || peerIds.has(id)) return invalidRequest(`${field}.newPeerIds`, `${id} is not the id of a new peer`);
      peerIds.add(id);
    }
  }
  return undefined;
}
