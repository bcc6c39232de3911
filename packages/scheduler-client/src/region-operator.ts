import { eraftpb, type metapb, type schedulerpb } from '@flotilla/protocol';
import { unreachable } from '@flotilla/runtime';

/** One change that the scheduler wants made to a region by its leader. */
export type RegionOperator =
  | { readonly type: 'addPeer'; readonly peer: metapb.Peer }
  | { readonly type: 'removePeer'; readonly peer: metapb.Peer }
  | { readonly type: 'transferLeader'; readonly peer: metapb.Peer };

/** A region as its leader's latest heartbeat told. */
export interface RegionReport {
  readonly region: metapb.Region;
  readonly leader: metapb.Peer;
  /** Peers that have not caught up with the log since they were added. */
  readonly pendingPeers: readonly metapb.Peer[];
}

/** How far an operator has come; `impossible` when the region has changed so that it can never finish. */
export type OperatorProgress = 'running' | 'finished' | 'impossible';

/** What an answer to a region heartbeat asks for. */
export type OperatorStep = Partial<Pick<schedulerpb.RegionHeartbeatResponse, 'changePeer' | 'transferLeader'>>;

/** Judges an operator by the region's latest report. */
export function judgeOperator(operator: RegionOperator, report: RegionReport): OperatorProgress {
  const member = report.region.peers.find((peer) => peer.id === operator.peer.id);
  switch (operator.type) {
    case 'addPeer':
      return judgeAddPeer(operator.peer, member, report);
    case 'removePeer':
      return member === undefined ? 'finished' : 'running';
    case 'transferLeader':
      if (report.leader.id === operator.peer.id) return 'finished';
      return member === undefined ? 'impossible' : 'running';
    default:
      return unreachable(operator, 'operator');
  }
}

/** What to ask the leader for next; nothing while a peer that was added is still catching up. */
export function operatorStep(operator: RegionOperator, report: RegionReport): OperatorStep {
  switch (operator.type) {
    case 'addPeer': {
      const isMember = report.region.peers.some((peer) => peer.id === operator.peer.id);
      return isMember ? {} : { changePeer: { peer: operator.peer, changeType: eraftpb.ConfChangeType.AddNode } };
    }
    case 'removePeer':
      return { changePeer: { peer: operator.peer, changeType: eraftpb.ConfChangeType.RemoveNode } };
    case 'transferLeader':
      return { transferLeader: { peer: operator.peer } };
    default:
      return unreachable(operator, 'operator');
  }
}

/** The operator in a few words, for people. */
export function describeOperator(operator: RegionOperator): string {
  return `${operator.type} ${operator.peer.id} on store ${operator.peer.storeId}`;
}

function judgeAddPeer(peer: metapb.Peer, member: metapb.Peer | undefined, report: RegionReport): OperatorProgress {
  if (member !== undefined) {
    return report.pendingPeers.some((pending) => pending.id === peer.id) ? 'running' : 'finished';
  }
  // A store holds at most one peer of a region, so another peer there bars this one for good.
  return report.region.peers.some((other) => other.storeId === peer.storeId) ? 'impossible' : 'running';
}
