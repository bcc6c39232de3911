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
export { type HeartbeatOutcome, MockScheduler } from './mock-scheduler.ts';
export { MockSchedulerClient } from './mock-scheduler-client.ts';
export { OperatorQueue, type OperatorRecord } from './operator-queue.ts';
export { epochOf, isEpochStale, isSameEpoch } from './region-epoch.ts';
export {
  describeOperator,
  judgeOperator,
  type OperatorProgress,
  type OperatorStep,
  operatorStep,
  type RegionOperator,
  type RegionReport,
} from './region-operator.ts';
export { compareKeys, type RegionEntry, RegionTree } from './region-tree.ts';
export type { BootstrapOutcome, RegionWithLeader, SchedulerClient } from './scheduler-client.ts';
export { isSchedulerError, refuseIfAborted, SchedulerError, type SchedulerErrorCode } from './scheduler-error.ts';
export { checkSplitCount, checkSplitParts, maxSplitCount, splitAnswer } from './split-exchange.ts';
export { mergeStore, refuseTombstone } from './store-record.ts';
