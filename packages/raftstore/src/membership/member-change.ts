import { eraftpb, type errorpb, metapb, raft_cmdpb } from '@flotilla/protocol';
import type { ConfChange, ConfChangeKind } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { isJoint, mayLead } from '../region.ts';
import { invalidRequest, serverIsBusy } from '../region-error.ts';

/*
 * What changes of membership make of a region. The same function answers before a change is proposed and when it is
 * applied, and the roles it gives stand for the raft configuration one to one.
 *
 * One change takes effect at once. Several are made through a joint configuration, in which quorums of the old and of the
 * new voters are both needed: a peer that is to vote is `IncomingVoter` meanwhile, one that is to vote no more
 * `DemotingVoter`. Its leader leaves it as soon as entering it has been applied. A voter is not removed by a joint change
 * but demoted, and removed as a learner afterwards: there is no role for a voter that is to be nothing.
 *
 * Rule of conf_ver: it grows by the number of peers that are added, removed or given another role, so that two epochs of a
 * region tell how many peers may differ at most. Entering a joint configuration by n changes adds n; leaving it adds the
 * number of incoming and demoting voters.
 */

/** What is to become of one peer. */
export interface MemberChange {
  readonly kind: Exclude<ConfChangeKind, 'update'>;
  readonly peer: metapb.Peer;
  /** The field of the request that asks for it. */
  readonly field: string;
}

/** The region that a change makes, or why it cannot be made. */
export type MemberChangeOutcome =
  | { readonly type: 'changed'; readonly region: metapb.Region }
  | { readonly type: 'refused'; readonly error: errorpb.Error };

/** The changes that an admin command asks for, none to leave a joint configuration; or why it cannot be run. */
export function memberChangesOf(
  admin: raft_cmdpb.AdminRequest,
): { readonly type: 'changes'; readonly changes: readonly MemberChange[] } | MemberChangeRefused {
  const { ChangePeer, ChangePeerV2 } = raft_cmdpb.AdminCmdType;
  if (admin.cmdType === ChangePeer && admin.changePeer !== undefined) {
    return readChanges([admin.changePeer], () => 'adminRequest.changePeer');
  }
  if (admin.cmdType === ChangePeerV2 && admin.changePeerV2 !== undefined) {
    return readChanges(admin.changePeerV2.changes, (position) => `adminRequest.changePeerV2.changes[${position}]`);
  }
  return refused(invalidRequest('adminRequest', 'no change of membership is named'));
}

type MemberChangeRefused = Extract<MemberChangeOutcome, { type: 'refused' }>;

function readChanges(
  requests: readonly raft_cmdpb.ChangePeerRequest[],
  fieldOf: (position: number) => string,
): ReturnType<typeof memberChangesOf> {
  const changes: MemberChange[] = [];
  for (const [position, { changeType, peer }] of requests.entries()) {
    const kind = kinds.get(changeType);
    const field = fieldOf(position);
    if (kind === undefined) return refused(invalidRequest(`${field}.changeType`, 'peers are added and removed'));
    if (peer === undefined) return refused(invalidRequest(`${field}.peer`, 'no peer is named'));
    changes.push({ kind, peer, field: `${field}.peer` });
  }
  return { type: 'changes', changes };
}

const { AddLearnerNode, AddNode, RemoveNode } = eraftpb.ConfChangeType;
const kinds = new Map<eraftpb.ConfChangeType, MemberChange['kind']>([
  [AddNode, 'addVoter'],
  [AddLearnerNode, 'addLearner'],
  [RemoveNode, 'remove'],
]);

/** The raft change that makes what `changeMembers` makes; `request` is carried in its entry. */
export function toConfChange(changes: readonly MemberChange[], request: Uint8Array): ConfChange {
  const steps = changes.map(({ kind, peer }) => ({ kind, nodeId: peer.id }));
  return { transition: 'auto', steps, context: request };
}

/** Makes changes to a region's peers: one at once, several by entering a joint configuration, none by leaving it. */
export function changeMembers(region: metapb.Region, changes: readonly MemberChange[]): MemberChangeOutcome {
  if (changes.length === 0) return leaveJoint(region);
  if (isJoint(region)) return refused(serverIsBusy('the region has not left its joint configuration yet'));
  const entersJoint = changes.length > 1;
  let { peers } = region;
  for (const change of changes) {
    const outcome = changePeers(peers, change, entersJoint);
    if (!Array.isArray(outcome)) return refused(outcome as errorpb.Error);
    peers = outcome;
  }
  const { field } = changes[0]!;
  if (new Set(changes.map(({ peer }) => peer.id)).size < changes.length) {
    return refused(invalidRequest(field, 'one peer is changed twice'));
  }
  if (!peers.some(mayLead)) return refused(invalidRequest(field, 'it is the last voter of its region'));
  const changed = withPeers(region, peers, changes.length);
  // Without such a role nothing would tell the members that the configuration is joint.
  if (entersJoint && !isJoint(changed)) {
    return refused(invalidRequest(field, 'a joint change has to change a voter; learners come and go one at a time'));
  }
  return { type: 'changed', region: changed };
}

/** Leaves the joint configuration: incoming voters are voters, demoting ones learners. */
export function leaveJoint(region: metapb.Region): MemberChangeOutcome {
  const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;
  let count = 0;
  const peers = region.peers.map((peer) => {
    if (peer.role !== IncomingVoter && peer.role !== DemotingVoter) return peer;
    count += 1;
    return { ...peer, role: peer.role === IncomingVoter ? Voter : Learner };
  });
  if (count === 0) {
    return refused(invalidRequest('adminRequest.changePeerV2.changes', 'the configuration is not joint'));
  }
  return { type: 'changed', region: withPeers(region, peers, count) };
}

/** The peers after one change, or why it does not fit them. */
function changePeers(
  peers: readonly metapb.Peer[],
  { kind, peer, field }: MemberChange,
  entersJoint: boolean,
): metapb.Peer[] | errorpb.Error {
  const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;
  if (peer.id <= 0) return invalidRequest(field, 'a peer has an id');
  const known = peers.find((one) => one.id === peer.id);
  if (kind === 'remove') {
    if (known === undefined) return invalidRequest(field, `the region has no peer ${peer.id}`);
    if (entersJoint && known.role !== Learner) {
      return invalidRequest(field, `peer ${peer.id} votes: a joint change demotes it, then it can be removed`);
    }
    return peers.filter((one) => one !== known);
  }
  if (peer.storeId <= 0) return invalidRequest(field, 'a peer has a store');
  const role = kind === 'addVoter' ? (entersJoint ? IncomingVoter : Voter) : Learner;
  if (known === undefined) {
    return peers.some((one) => one.storeId === peer.storeId)
      ? invalidRequest(field, `the region already has a peer on store ${peer.storeId}`)
      : [...peers, { ...peer, role }];
  }
  if (known.storeId !== peer.storeId) {
    return invalidRequest(field, `peer ${peer.id} is on store ${known.storeId}, not on store ${peer.storeId}`);
  }
  const isDone = kind === 'addVoter' ? known.role !== Learner : known.role === Learner;
  if (isDone) return invalidRequest(field, `the region already has peer ${peer.id} in that role`);
  const next = kind === 'addLearner' && entersJoint ? DemotingVoter : role;
  return peers.map((one) => (one === known ? { ...one, role: next } : one));
}

function withPeers(region: metapb.Region, peers: readonly metapb.Peer[], changeCount: number): metapb.Region {
  const epoch = region.regionEpoch;
  assert(epoch !== undefined, 'a region has an epoch', { regionId: region.id });
  return { ...region, peers, regionEpoch: { ...epoch, confVer: epoch.confVer + changeCount } };
}

function refused(error: errorpb.Error): MemberChangeRefused {
  return { type: 'refused', error };
}
