export {
  defaultSchedulerConfig,
  resolveSchedulerConfig,
  type SchedulerConfig,
  SchedulerConfigError,
  testSchedulerConfig,
} from './config.ts';
export { SchedulerDataError } from './data-layout.ts';
export type { IdAllocator } from './id-allocator.ts';
export { LocalSchedulerClient } from './local-scheduler-client.ts';
export type { PeerSelector, RegionOrder } from './region-order.ts';
export type { RegionView } from './region-registry.ts';
export {
  type HeartbeatResult,
  SchedulerCore,
  type SchedulerCoreOptions,
  type SchedulerStatus,
} from './scheduler-core.ts';
export type { StoreLiveness, StoreView } from './store-registry.ts';
export { type TimestampOracle, timestampsPerMs } from './timestamp-oracle.ts';
