import { eraftpb, metapb, type schedulerpb } from '@flotilla/protocol';
import { unreachable } from '@flotilla/runtime';
import { compareKeys } from '../region-tree.ts';
import type { RegionReport } from './region-report.ts';

/** One thing that a region's leader is asked for, again and again, until a report shows it done. */
export type OperatorStep =
  /** A voter at once; a learner that is promoted later puts no quorum at risk while it catches up. */
  | { readonly type: 'addPeer'; readonly peer: metapb.Peer }
  | { readonly type: 'addLearner'; readonly peer: metapb.Peer }
  | { readonly type: 'promoteLearner'; readonly peer: metapb.Peer }
  | { readonly type: 'removePeer'; readonly peer: metapb.Peer }
  | { readonly type: 'transferLeader'; readonly peer: metapb.Peer }
  /** Leadership goes to whichever other voter is fit when the leader reports. */
  | { readonly type: 'evictLeader'; readonly peer: metapb.Peer }
  /** Several changes of membership through a joint configuration; none: leave the one that is under way. */
  | { readonly type: 'changePeers'; readonly changes: readonly schedulerpb.ChangePeer[] }
  /** No keys: in the middle. `version` is the region's before the split. */
  | { readonly type: 'splitRegion'; readonly keys: readonly Uint8Array[]; readonly version: number };

/** How far a step has come; the reason why it can never finish, when the region has changed so. */
export type StepProgress = 'running' | 'finished' | { readonly impossible: string };

/** What an answer to a region heartbeat asks for. */
export type StepRequest = Partial<
  Pick<schedulerpb.RegionHeartbeatResponse, 'changePeer' | 'transferLeader' | 'changePeerV2' | 'splitRegion'>
>;

const { AddNode, AddLearnerNode, RemoveNode } = eraftpb.ConfChangeType;
const { Voter, Learner, IncomingVoter, DemotingVoter } = metapb.PeerRole;

/** Judges a step by the region's latest report. */
export function judgeStep(step: OperatorStep, report: RegionReport): StepProgress {
  switch (step.type) {
    case 'addPeer':
    case 'addLearner':
      return judgeAdded(step.peer, step.type === 'addPeer', report);
    case 'promoteLearner': {
      const member = memberOf(report.region, step.peer);
      if (member === undefined) return { impossible: `peer ${step.peer.id} is no longer there` };
      return member.role === Voter ? 'finished' : 'running';
    }
    case 'removePeer':
      return memberOf(report.region, step.peer) === undefined ? 'finished' : 'running';
    case 'transferLeader':
      return judgeTransfer(step.peer, report);
    case 'evictLeader':
      return report.leader.id === step.peer.id ? 'running' : 'finished';
    case 'changePeers':
      return judgeChanges(step.changes, report);
    case 'splitRegion':
      return isSplitDone(step, report.region) ? 'finished' : 'running';
    default:
      return unreachable(step, 'operator step');
  }
}

/** What to ask the leader for next; nothing while what was asked for is under way. */
export function requestOf(step: OperatorStep, report: RegionReport): StepRequest {
  switch (step.type) {
    case 'addPeer':
      return memberOf(report.region, step.peer)?.role === Voter ? {} : change(step.peer, AddNode);
    case 'addLearner': {
      const learner = { ...step.peer, role: Learner };
      return memberOf(report.region, step.peer) === undefined ? change(learner, AddLearnerNode) : {};
    }
    case 'promoteLearner':
      return memberOf(report.region, step.peer)?.role === Learner ? change(step.peer, AddNode) : {};
    case 'removePeer':
      return change(step.peer, RemoveNode);
    case 'transferLeader':
      return { transferLeader: { peer: step.peer } };
    case 'evictLeader': {
      const heir = fitHeir(report);
      return heir === undefined ? {} : { transferLeader: { peer: heir } };
    }
    case 'changePeers':
      return { changePeerV2: { changes: isJoint(report.region) ? [] : step.changes } };
    case 'splitRegion':
      return { splitRegion: { keys: step.keys } };
    default:
      return unreachable(step, 'operator step');
  }
}

/** The step in a few words, for people. */
export function describeStep(step: OperatorStep): string {
  switch (step.type) {
    case 'changePeers':
      return step.changes.length === 0
        ? 'leave the joint configuration'
        : `change at once: ${step.changes.map(describeChange).join(', ')}`;
    case 'splitRegion':
      return step.keys.length === 0 ? 'split in the middle' : `split at ${step.keys.map(keyText).join(', ')}`;
    default:
      return `${verbs[step.type]} ${describePeer(step.peer)}`;
  }
}

/** Whether a joint change of membership is under way. */
export function isJoint(region: metapb.Region): boolean {
  return region.peers.some(({ role }) => role === IncomingVoter || role === DemotingVoter);
}

/** The peer that could lead in the leader's place: a voter that has caught up and is heard of. */
export function fitHeir(report: RegionReport): metapb.Peer | undefined {
  return report.region.peers.find((peer) => isFitHeir(peer, report));
}

const verbs = {
  addPeer: 'add',
  addLearner: 'add the learner',
  promoteLearner: 'promote',
  removePeer: 'remove',
  transferLeader: 'hand leadership to',
  evictLeader: 'hand leadership away from',
} as const;

function isFitHeir(peer: metapb.Peer, { leader, pendingPeers, downPeers }: RegionReport): boolean {
  if (peer.id === leader.id || (peer.role !== Voter && peer.role !== IncomingVoter)) return false;
  return !pendingPeers.some(({ id }) => id === peer.id) && !downPeers.some((down) => down.peer?.id === peer.id);
}

function memberOf(region: metapb.Region, peer: metapb.Peer): metapb.Peer | undefined {
  return region.peers.find(({ id }) => id === peer.id);
}

function change(peer: metapb.Peer, changeType: eraftpb.ConfChangeType): StepRequest {
  return { changePeer: { peer, changeType } };
}

function judgeAdded(peer: metapb.Peer, asVoter: boolean, { region, pendingPeers }: RegionReport): StepProgress {
  const member = memberOf(region, peer);
  if (member !== undefined) {
    const isCatchingUp = pendingPeers.some(({ id }) => id === peer.id);
    return isCatchingUp || (asVoter && member.role !== Voter) ? 'running' : 'finished';
  }
  // A store holds at most one peer of a region, so another peer there bars this one for good.
  const rival = region.peers.find(({ storeId }) => storeId === peer.storeId);
  return rival === undefined ? 'running' : { impossible: `store ${peer.storeId} has peer ${rival.id} of the region` };
}

function judgeTransfer(peer: metapb.Peer, { region, leader }: RegionReport): StepProgress {
  if (leader.id === peer.id) return 'finished';
  const member = memberOf(region, peer);
  if (member === undefined) return { impossible: `peer ${peer.id} is no longer there` };
  return member.role === Learner ? { impossible: `peer ${peer.id} is a learner` } : 'running';
}

function judgeChanges(changes: readonly schedulerpb.ChangePeer[], { region }: RegionReport): StepProgress {
  if (isJoint(region)) return 'running';
  return changes.every((each) => isChangeDone(each, region)) ? 'finished' : 'running';
}

function isChangeDone({ peer, changeType }: schedulerpb.ChangePeer, region: metapb.Region): boolean {
  const role = peer === undefined ? undefined : memberOf(region, peer)?.role;
  if (changeType === RemoveNode) return role === undefined;
  return role === (changeType === AddNode ? Voter : Learner);
}

/** Done when every key is a border of the region; a split in the middle, when the region has split at all. */
function isSplitDone(step: Extract<OperatorStep, { type: 'splitRegion' }>, region: metapb.Region): boolean {
  if (step.keys.length === 0) return (region.regionEpoch?.version ?? 0) > step.version;
  return step.keys.every((key) => !isStrictlyWithin(key, region));
}

/** Whether a region could be split at this key. */
export function isStrictlyWithin(key: Uint8Array, { startKey, endKey }: metapb.Region): boolean {
  return compareKeys(key, startKey) > 0 && (endKey.length === 0 || compareKeys(key, endKey) < 0);
}

function describeChange({ peer, changeType }: schedulerpb.ChangePeer): string {
  const verb = changeType === RemoveNode ? 'remove' : changeType === AddNode ? 'add the voter' : 'add the learner';
  return `${verb} ${peer === undefined ? '?' : describePeer(peer)}`;
}

function describePeer({ id, storeId }: metapb.Peer): string {
  return `peer ${id} on store ${storeId}`;
}

function keyText(key: Uint8Array): string {
  const text = Buffer.from(key).toString('utf8');
  const isPlain = /^[\x21-\x7e]+$/.test(text);
  return isPlain && text.length <= 64 ? text : `0x${Buffer.from(key.subarray(0, 32)).toString('hex')}`;
}
