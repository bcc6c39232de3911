/** What an entry carries. */
export type EntryType = 'normal' | 'confChange' | 'confChangeV2';

/** One slot of the replicated log. Immutable once made; its `data` is never written to. */
export interface Entry {
  readonly type: EntryType;
  readonly term: number;
  readonly index: number;
  readonly data: Uint8Array;
}

/** What must survive a crash beside the log. All zero at first. */
export interface HardState {
  readonly term: number;
  /** The candidate voted for in `term`; 0 is none. */
  readonly vote: number;
  readonly commit: number;
}

/** A membership configuration. Ids in each list are distinct; order carries no meaning. */
export interface ConfState {
  readonly voters: readonly number[];
  /** Voters of the configuration being left; non-empty exactly while joint. */
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
  /** Voters of the outgoing configuration that become learners when it is left. */
  readonly learnersNext: readonly number[];
  readonly autoLeave: boolean;
}

/** What a snapshot replaces: the log up to `index`, under the configuration it ended with. */
export interface SnapshotMetadata {
  readonly confState: ConfState;
  readonly index: number;
  readonly term: number;
}

/** A state-machine image; `data` is opaque to raft. */
export interface Snapshot {
  readonly data: Uint8Array;
  readonly metadata: SnapshotMetadata;
}

/** Every message type, by its name in etcd's raft library. */
export type MessageType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgProp'
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgSnap'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgUnreachable'
  | 'MsgSnapStatus'
  | 'MsgCheckQuorum'
  | 'MsgTransferLeader'
  | 'MsgTimeoutNow'
  | 'MsgReadIndex'
  | 'MsgReadIndexResp'
  | 'MsgPreVote'
  | 'MsgPreVoteResp'
  | 'MsgStorageAppend'
  | 'MsgStorageAppendResp'
  | 'MsgStorageApply'
  | 'MsgStorageApplyResp'
  | 'MsgForgetLeader';

/** A message between peers, or between a peer and its storage threads. A field that a type does not use is zero, empty or absent. */
export interface Message {
  readonly type: MessageType;
  readonly to: number;
  readonly from: number;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** `MsgStorageAppend` only: the vote to persist with `term` and `commit`. */
  readonly vote: number;
  readonly snapshot: Snapshot | undefined;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly context: Uint8Array | undefined;
  /** `MsgStorageAppend` and `MsgStorageApply`: messages to send once the work is done and durable. */
  readonly responses: readonly Message[];
}

/** The `to` and `from` of a peer's append thread. Not a peer id. */
export const appendThread: number = Number.MAX_SAFE_INTEGER;
/** The `to` and `from` of a peer's apply thread. Not a peer id. */
export const applyThread: number = Number.MAX_SAFE_INTEGER - 1;
