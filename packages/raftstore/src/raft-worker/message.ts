import type { metapb, raft_cmdpb, raft_serverpb } from '@flotilla/protocol';
import type { Message } from '@flotilla/raft';
import type { ApplyResult } from '../apply/message.ts';
import type { RegionTaskResult } from '../region-worker/message.ts';
import type { Reply } from '../reply.ts';
import type { SnapshotKey } from '../snapshot/snapshot-key.ts';
import type { SnapshotSendOutcome } from '../snapshot/snapshot-sender.ts';
import type { SplitCheckResult } from '../split-check-worker/message.ts';

/** Everything that can happen to one peer, but for its tick. */
export type PeerMessage =
  /** The peer is reachable from now on. */
  | { readonly type: 'start' }
  /** From the region's peer on another store. */
  | { readonly type: 'raftMessage'; readonly message: raft_serverpb.RaftMessage }
  /** From a client of this store, or from the store itself. */
  | {
      readonly type: 'raftCommand';
      readonly request: raft_cmdpb.RaftCmdRequest;
      readonly reply: Reply;
      /** When it arrived at the store; commands of the store's own do not count. */
      readonly receivedAtMs?: number;
    }
  /** Wants the region split at the keys, in the middle without any; with an epoch, only as the region was then. */
  | {
      readonly type: 'splitRegion';
      readonly regionEpoch: metapb.RegionEpoch | undefined;
      readonly splitKeys: readonly Uint8Array[];
      readonly reply: Reply;
    }
  | { readonly type: 'splitCheckDone'; readonly result: SplitCheckResult }
  /** A snapshot that this peer sent has arrived, or has not. */
  | { readonly type: 'snapshotStatus'; readonly toPeerId: number; readonly outcome: SnapshotSendOutcome }
  /** A message to that peer could not be sent. */
  | { readonly type: 'unreachable'; readonly toPeerId: number }
  /** Snapshots of this region that nobody is using: the peer says which ones nobody will. */
  | { readonly type: 'gcSnapshot'; readonly keys: readonly SnapshotKey[] }
  | { readonly type: 'regionTaskDone'; readonly result: RegionTaskResult }
  | { readonly type: 'applied'; readonly result: ApplyResult }
  /** The append that `message` asked for is durable. */
  | { readonly type: 'logPersisted'; readonly peerId: number; readonly message: Message }
  /** The hash of the region's data, as they were at an entry of the log. */
  | { readonly type: 'hashComputed'; readonly index: number; readonly hash: Uint8Array }
  /** The log has been replaced by the snapshot under way. */
  | { readonly type: 'logReset'; readonly peerId: number }
  /** The scheduler knows that the peer is a member no more as of `confVer`. */
  | { readonly type: 'noMember'; readonly peerId: number; readonly confVer: number }
  /** A region that is not here yet wants a part of this one's range: one of the two is out of date. */
  | { readonly type: 'rangeWanted' }
  /** Nothing of the peer is left in the raft database. */
  | { readonly type: 'logDestroyed'; readonly peerId: number };

/** The messages whose sender waits for an answer. */
export type AnsweredMessage = Extract<PeerMessage, { type: 'raftCommand' | 'splitRegion' }>;

/** Whether somebody waits for an answer to the message. */
export function wantsAnswer(message: PeerMessage): message is AnsweredMessage {
  return message.type === 'raftCommand' || message.type === 'splitRegion';
}

/** What waits in the raft worker's mailbox. */
export type RaftWorkerMessage =
  | { readonly type: 'peer'; readonly regionId: number; readonly message: PeerMessage }
  /** A base tick has passed for every peer. At most one waits. */
  | { readonly type: 'tick' }
  /** Work begun by the worker itself is done: look at the completions. At most one waits. */
  | { readonly type: 'completions' };
