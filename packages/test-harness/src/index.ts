export { type Bank, checkBank } from './checkers/check-bank.ts';
export { type CallbackEvent, checkCallbacks } from './checkers/check-callbacks.ts';
export { checkEpochs, type EpochObservation } from './checkers/check-epochs.ts';
export { checkFencing, type FencingEvent } from './checkers/check-fencing.ts';
export { checkFinalValues } from './checkers/check-final-values.ts';
export { checkLeaders, type LeaderObservation } from './checkers/check-leaders.ts';
export { checkListAppend } from './checkers/check-list-append.ts';
export { checkMembership, type MembershipObservation } from './checkers/check-membership.ts';
export { checkRegionTiling, type RegionRange } from './checkers/check-region-tiling.ts';
export { checkRegister, type RegisterCheckOptions } from './checkers/check-register.ts';
export { checkReplicaHashes, type ReplicaHash, type ReplicaHashOptions } from './checkers/check-replica-hashes.ts';
export { checkSet } from './checkers/check-set.ts';
export { checkWatch, type WatchChange, type WatchRecord } from './checkers/check-watch.ts';
export { RaftMessageChecker } from './checkers/raft-message-checker.ts';
export { describeVerdict, isPassed, type Verdict, type Violation } from './checkers/verdict.ts';
export { checkConsistency } from './cluster/check-consistency.ts';
export { ClusterObserver } from './cluster/cluster-observer.ts';
export {
  callCommand,
  changePeerCommand,
  changePeersCommand,
  deleteCommand,
  errorOf,
  getCommand,
  headerOf,
  putCommand,
  snapCommand,
  splitCommand,
  transferLeaderCommand,
} from './cluster/command.ts';
export { type CreateTestClusterOptions, createTestCluster, DrivenTestCluster } from './cluster/create-test-cluster.ts';
export { InProcessNetwork, type LinkFaults } from './cluster/in-process-network.ts';
export { NodeRun } from './cluster/node-run.ts';
export { RegionOrders } from './cluster/region-orders.ts';
export { RegisterClient } from './cluster/register-client.ts';
export { awaitEqualReplicas, replicaHashes } from './cluster/replica-data.ts';
export { SchedulerLink } from './cluster/scheduler-link.ts';
export { SimulatedClient, type TextPair } from './cluster/simulated-client.ts';
export { type TaskFate, TaskLife } from './cluster/task-life.ts';
export { type CrashOptions, TestCluster, type TestClusterOptions, type TestNode } from './cluster/test-cluster.ts';
export { HistoryError, type HistoryErrorCode } from './history/history-error.ts';
export type { HistoryEvent } from './history/history-event.ts';
export { formatHistory, parseHistory } from './history/history-ndjson.ts';
export { HistoryRecorder, type OpenOperation } from './history/history-recorder.ts';
export { describeOperation, type Json, type Operation, type OperationOutcome } from './history/operation.ts';
export { pairEvents } from './history/pair-events.ts';
export { crashAll, crashStores, startAll } from './nemesis/crash-chaos.ts';
export {
  canLose,
  type DiskDamage,
  damageLog,
  damageSnapshotFile,
  loseDatabase,
  loseState,
  rotValue,
  truncateLog,
} from './nemesis/disk-damage.ts';
export {
  cancelOrders,
  changeMembers,
  orderAnyChange,
  orderChange,
  orderJointChange,
  orderTransfer,
} from './nemesis/membership-chaos.ts';
export { calmNetwork, cutAtRandom, disturbNetwork, type NetworkChaos } from './nemesis/network-chaos.ts';
export { findFreeBase, findFreePorts } from './processes/free-ports.ts';
export type { NodeStatus, PeerReport, RegionReport, ReportingNode } from './processes/node-status.ts';
export {
  type ClusterMember,
  type MemberPlacement,
  type MemberPlan,
  ProcessCluster,
  type ProcessClusterOptions,
} from './processes/process-cluster.ts';
export { type ProcessEnd, type ProcessOptions, ProcessUnderTest } from './processes/process-under-test.ts';
export { HopelessError, waitUntil } from './processes/wait-until.ts';
