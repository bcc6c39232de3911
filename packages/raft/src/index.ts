export {
  type Changed,
  type ChangeResult,
  type ConfChangeError,
  changeMembership,
  changeSimply,
  enterJoint,
  leaveJoint,
} from './confchange/changer.ts';
export {
  type ConfChange,
  type ConfChangeEntryType,
  type ConfChangeKind,
  type ConfChangeStep,
  type ConfChangeTransition,
  decodeConfChange,
  encodeConfChange,
  leaveJointChange,
} from './confchange/conf-change.ts';
export {
  defaultRaftConfig,
  type RaftConfig,
  RaftConfigError,
  type ReadOnlyMode,
  resolveRaftConfig,
} from './config.ts';
export { entriesSize, entrySize } from './log/entry-size.ts';
export { emptySnapshot, MemoryStorage } from './memory-storage.ts';
export {
  appendThread,
  applyThread,
  type ConfState,
  type Entry,
  type EntryType,
  type HardState,
  type Message,
  type MessageType,
  type Snapshot,
  type SnapshotMetadata,
} from './message.ts';
export { draftMessage, type MessageDraft } from './message-draft.ts';
export type { RaftDeps, ReadState, Role, SoftState } from './node/raft-state.ts';
export type { Ready } from './node/ready.ts';
export type { ProposeOutcome, ReadOutcome, StepOutcome } from './outcome.ts';
export { jointCommittedIndex, jointVoteResult } from './quorum/joint.ts';
export { type AckedIndexer, majorityCommittedIndex, majorityVoteResult } from './quorum/majority.ts';
export type { VoteResult } from './quorum/vote-result.ts';
export { RawNode, type SnapshotStatus } from './raw-node.ts';
export { type BasicStatus, type ProgressStatus, progressOf, type Status } from './status.ts';
export type { LogGap, RaftStorage } from './storage.ts';
export { confStateOf, emptyMembership, type Membership, membershipOf, voterIds } from './tracker/membership.ts';
export type { ProgressState } from './tracker/progress.ts';
export { ProgressTracker } from './tracker/progress-tracker.ts';
