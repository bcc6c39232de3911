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
export type { LogGap, RaftStorage } from './storage.ts';
