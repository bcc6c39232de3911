export { type BackoffBounds, backoffMs } from './backoff.ts';
export {
  defaultGrpcSchedulerClientConfig,
  type GrpcSchedulerClientConfig,
  GrpcSchedulerClientConfigError,
  resolveGrpcSchedulerClientConfig,
  testGrpcSchedulerClientConfig,
} from './grpc-client-config.ts';
export { GrpcSchedulerClient, type GrpcSchedulerClientOptions } from './grpc-scheduler-client.ts';
export type { HeartbeatCounts } from './heartbeat-stream.ts';
export type { MockRegion } from './mock-region-table.ts';
export { type HeartbeatOutcome, MockScheduler } from './mock-scheduler.ts';
export { MockSchedulerClient } from './mock-scheduler-client.ts';
export { OperatorQueue } from './operator/operator-queue.ts';
export {
  describeStep,
  fitHeir,
  isJoint,
  isStrictlyWithin,
  judgeStep,
  type OperatorStep,
  requestOf,
  type StepProgress,
  type StepRequest,
} from './operator/operator-step.ts';
export {
  describeOperator,
  type OperatorKind,
  type OperatorRecord,
  type RegionOperator,
} from './operator/region-operator.ts';
export {
  isTermStale,
  type RegionCondition,
  type RegionReport,
  reportOf,
  unreportedRegion,
} from './operator/region-report.ts';
export { OperatorClient, type OperatorClientOptions, type OrderFields } from './operator-client.ts';
export { epochOf, isEpochStale, isSameEpoch } from './region-epoch.ts';
export { compareKeys, type RegionEntry, RegionTree } from './region-tree.ts';
export type {
  BootstrapOutcome,
  RegionWithLeader,
  SchedulerClient,
  SchedulerWorkerStats,
} from './scheduler-client.ts';
export { isSchedulerError, refuseIfAborted, SchedulerError, type SchedulerErrorCode } from './scheduler-error.ts';
export {
  type SchedulerThread,
  type SchedulerThreadEvents,
  type SpawnSchedulerThread,
  spawnSchedulerThread,
} from './scheduler-thread/spawn.ts';
export type { SchedulerThreadConfig } from './scheduler-thread/thread-config.ts';
export {
  ThreadSchedulerClient,
  type ThreadSchedulerClientOptions,
} from './scheduler-thread/thread-scheduler-client.ts';
export { checkSplitCount, checkSplitParts, maxSplitCount, splitAnswer } from './split-exchange.ts';
export { mergeStore, refuseTombstone } from './store-record.ts';
