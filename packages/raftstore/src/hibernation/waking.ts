import { eraftpb, type raft_serverpb } from '@flotilla/protocol';
import type { Peer } from '../peer/peer.ts';
import type { PeerMessage } from '../raft-worker/message.ts';

/** Wakes a sleeping peer if what it is about to handle needs one that ticks. */
export function wakeFor(peer: Peer, message: PeerMessage): void {
  switch (message.type) {
    case 'raftCommand':
      // Anything else a follower refuses, asleep or not.
      if (peer.isLeader || message.request.header?.replicaRead === true) peer.hibernation.wake(peer);
      return;
    case 'raftMessage':
      if (isWaking(peer, message.message)) peer.hibernation.wake(peer);
      return;
    case 'splitCheckDone':
      // The size alone is only to be known; one that is too large is split.
      if (message.result.type !== 'failed' && message.result.splitKeys.length > 0) peer.hibernation.wake(peer);
      return;
    case 'splitRegion':
    case 'hashComputed':
      peer.hibernation.wake(peer);
      return;
    case 'start':
    case 'logPersisted':
    case 'applied':
    case 'logReset':
    case 'regionTaskDone':
    case 'snapshotStatus':
    case 'unreachable':
    case 'gcSnapshot':
    case 'logDestroyed':
      return;
    default:
      // Whatever else there may be: a peer that is awake without need sleeps again soon.
      peer.hibernation.wake(peer);
  }
}

const { MessageType } = eraftpb;

/** Late answers to a leader's last heartbeats change nothing; what members say about sleeping, they handle asleep. */
function isWaking(peer: Peer, { extra, message }: raft_serverpb.RaftMessage): boolean {
  if (message === undefined) return extra === undefined;
  const { msgType, reject, term } = message;
  const isAnswer = msgType === MessageType.MsgHeartbeatResponse || msgType === MessageType.MsgAppendResponse;
  return !isAnswer || reject || term !== peer.term;
}
