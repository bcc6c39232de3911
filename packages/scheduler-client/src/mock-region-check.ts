import type { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import { epochOf } from './region-epoch.ts';
import { compareKeys } from './region-tree.ts';

/**
 * Checks that a newer report of a region can follow from an earlier one of the same region. Membership changes one peer
 * at a time and each change raises conf_ver by one; splits and merges raise the version.
 *
 * @throws {InvariantError} when no series of legal changes leads from `known` to `reported`.
 */
export function assertPossibleSuccessor(known: metapb.Region, reported: metapb.Region): void {
  const before = epochOf(known);
  const after = epochOf(reported);
  const details = { regionId: known.id, before, after, peersBefore: known.peers, peersAfter: reported.peers };
  const changes = countPeerChanges(known.peers, reported.peers);
  const confChanges = after.confVer - before.confVer;
  assert(confChanges > 0 || changes === 0, 'peers of a region changed while its conf_ver stayed', details);
  assert(changes <= confChanges, 'more peers of a region changed than its conf_ver tells', details);
  assert(confChanges !== 1 || changes === 1, 'the conf_ver of a region rose by one but its peers stayed', details);
  assert(
    after.version > before.version || isSameRange(known, reported),
    'the range of a region changed while its version stayed',
    details,
  );
}

/**
 * Checks a report against a different region that it overlaps. At any key, each region that ever held it has a version
 * of its own, so that two that overlap cannot have the same.
 *
 * @throws {InvariantError} when both have the same version.
 */
export function assertDistinctVersions(known: metapb.Region, reported: metapb.Region): void {
  assert(epochOf(known).version !== epochOf(reported).version, 'two regions of one version overlap', {
    regionIds: [known.id, reported.id],
    version: epochOf(known).version,
  });
}

/** Checks that a report is whole: an epoch, a range, a leader among distinct peers on distinct stores. */
export function assertWellFormed(region: metapb.Region, leader: metapb.Peer | undefined): void {
  const details = { regionId: region.id, leader, peers: region.peers };
  assert(region.id > 0, 'a region without an id', details);
  assert(region.regionEpoch !== undefined, 'a region without an epoch', details);
  assert(
    region.endKey.length === 0 || compareKeys(region.startKey, region.endKey) < 0,
    'the start key of a region is not below its end key',
    details,
  );
  assert(new Set(region.peers.map((peer) => peer.id)).size === region.peers.length, 'two peers with one id', details);
  assert(
    new Set(region.peers.map((peer) => peer.storeId)).size === region.peers.length,
    'two peers of a region on one store',
    details,
  );
  assert(
    leader !== undefined && region.peers.some((peer) => peer.id === leader.id && peer.storeId === leader.storeId),
    'the leader of a region is not one of its peers',
    details,
  );
}

/** Peers that were added, removed or given another role. */
function countPeerChanges(before: readonly metapb.Peer[], after: readonly metapb.Peer[]): number {
  const rolesBefore = new Map(before.map((peer) => [peer.id, peer.role]));
  let kept = 0;
  let changed = 0;
  for (const peer of after) {
    const role = rolesBefore.get(peer.id);
    if (role === undefined) {
      changed += 1;
    } else {
      kept += 1;
      if (role !== peer.role) changed += 1;
    }
  }
  return changed + (before.length - kept);
}

function isSameRange(left: metapb.Region, right: metapb.Region): boolean {
  return compareKeys(left.startKey, right.startKey) === 0 && compareKeys(left.endKey, right.endKey) === 0;
}
