export {
  defaultRaftStoreConfig,
  type RaftStoreConfig,
  RaftStoreConfigError,
  resolveRaftStoreConfig,
  testRaftStoreConfig,
} from './config.ts';
export type { Inconsistency } from './consistency/inconsistency.ts';
export type { DiskRoom, DiskSpace } from './disk/disk-space.ts';
export { type LatencySummary, latencyBoundsMs } from './latency-histogram.ts';
export type { ReplicaSubscription } from './machine/machine-replica.ts';
export type {
  MachineBatch,
  MachineLeadership,
  MachineReader,
  MachineSubscription,
  RegionMachine,
  RegionMachineHost,
  RegionMachineKind,
} from './machine/region-machine.ts';
export type { SubscribeOutcome } from './machine/region-machines.ts';
export type { StoreMetricsSnapshot } from './metrics.ts';
export {
  type OpenRaftStoreOptions,
  openRaftStore,
  type RaftStore,
  type SplitOrder,
  type StoreHealth,
} from './raft-store.ts';
export { RegionSnapshotError, type RegionSnapshotErrorCode } from './region-snapshot.ts';
export {
  MemorySnapshotDirectory,
  type SnapshotCrash,
  type SnapshotDiskFault,
  type SnapshotDiskStep,
} from './snapshot/memory-snapshot-directory.ts';
export { NodeSnapshotDirectory } from './snapshot/node-snapshot-directory.ts';
export type { SnapshotDirectory, SnapshotFileInfo, SnapshotFileWriter } from './snapshot/snapshot-directory.ts';
export { SnapshotError, type SnapshotErrorCode } from './snapshot/snapshot-error.ts';
export { RaftStoreError, type RaftStoreErrorCode } from './store-error.ts';
export type {
  CommandResult,
  ConsistencyOutcome,
  LeadershipChange,
  RaftStoreHandle,
  RegionChange,
  RegionSnapshot,
  SnapshotEvent,
  SnapshotReceiver,
  SplitChange,
} from './store-handle.ts';
export type { Transport, TransportOutcome } from './transport.ts';
