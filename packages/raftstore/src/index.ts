export type {
  CommandResult,
  LeadershipChange,
  RaftStoreHandle,
  RegionSnapshot,
  SnapshotReceiver,
} from './store-handle.ts';
export type { Transport, TransportOutcome } from './transport.ts';
