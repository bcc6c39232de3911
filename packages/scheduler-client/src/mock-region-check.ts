import { metapb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import type { RegionReport } from './operator/region-report.ts';
import { epochOf } from './region-epoch.ts';
import { compareKeys } from './region-tree.ts';

const { Voter, Learner, IncomingVoter, DemotingVoter } = metapb.PeerRole;

/**
 * Checks that a newer report of a region can follow from an earlier one of the same region. Membership changes one peer
 * for each conf_ver, also when a joint change makes several of these steps at once; splits and merges raise the version.
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
  // With one change for each conf_ver nothing lies between the two reports, so each must be a change that there is.
  if (confChanges === changes) assertPossibleRoles(known, reported, details);
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
  const [knownVersion, version] = [epochOf(known).version, epochOf(reported).version];
  const regionIds = [known.id, reported.id];
  assert(knownVersion !== version, 'two regions of one version overlap', { regionIds, version });
}

/** Checks that a region is whole: an id, an epoch, a range, distinct peers on distinct stores. */
export function assertWellFormed(region: metapb.Region): void {
  const details = { regionId: region.id, peers: region.peers };
  assert(region.id > 0, 'a region without an id', details);
  assert(region.regionEpoch !== undefined, 'a region without an epoch', details);
  assert(
    region.endKey.length === 0 || compareKeys(region.startKey, region.endKey) < 0,
    'the start key of a region is not below its end key',
    details,
  );
  assert(region.peers.length > 0, 'a region without peers', details);
  assert(new Set(region.peers.map((peer) => peer.id)).size === region.peers.length, 'two peers with one id', details);
  assert(
    new Set(region.peers.map((peer) => peer.storeId)).size === region.peers.length,
    'two peers of a region on one store',
    details,
  );
}

/** Checks that a heartbeat's leader is a voter of its region, and that whoever lags is one of the others. */
export function assertReportWellFormed({ region, leader, pendingPeers, downPeers }: RegionReport): void {
  const details = { regionId: region.id, leader, peers: region.peers, pendingPeers, downPeers };
  const member = region.peers.find(({ id }) => id === leader.id);
  assert(member?.storeId === leader.storeId, 'the leader of a region is not one of its peers', details);
  assert(member.role !== Learner, 'the leader of a region is a learner', details);
  const down = downPeers.map(({ peer }) => peer?.id ?? 0);
  for (const id of [...down, ...pendingPeers.map((peer) => peer.id)]) {
    const isOther = id !== leader.id && region.peers.some((peer) => peer.id === id);
    assert(isOther, 'a pending or down peer is no other peer of the region', details);
  }
}

/** Checks that a term has one leader, where the term is told. */
export function assertOneLeader(
  known: { readonly leader: metapb.Peer | undefined; readonly term: number } | undefined,
  { region, leader, term }: RegionReport,
): void {
  if (known?.leader === undefined || term === 0 || known.term !== term) return;
  const details = { regionId: region.id, term, leaders: [known.leader, leader] };
  assert(known.leader.id === leader.id, 'two leaders of a region in one term', details);
}

/** What a peer can become by one change; `undefined` stands for no peer. */
const nextRoles = new Map<metapb.PeerRole | undefined, readonly (metapb.PeerRole | undefined)[]>([
  [undefined, [Voter, Learner, IncomingVoter]],
  [Voter, [undefined, Learner, DemotingVoter]],
  [Learner, [undefined, Voter, IncomingVoter]],
  [IncomingVoter, [Voter]],
  [DemotingVoter, [Learner, undefined]],
]);

function assertPossibleRoles(known: metapb.Region, reported: metapb.Region, details: object): void {
  const before = new Map(known.peers.map((peer) => [peer.id, peer.role]));
  const after = new Map(reported.peers.map((peer) => [peer.id, peer.role]));
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(id), after.get(id)];
    assert(from === to || nextRoles.get(from)?.includes(to) === true, 'a peer changed to what it cannot become', {
      ...details,
      peerId: id,
    });
  }
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
