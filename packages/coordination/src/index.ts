export { BackendError, type BackendErrorCode } from './backend/backend-error.ts';
export type {
  BackendLocation,
  CallOptions,
  CoordinationBackend,
  LeaseGrant,
  LeaseRequest,
  LeaseStatus,
} from './backend/coordination-backend.ts';
export { isInRange, type KeyRange, type KeyValue, prefixRange } from './backend/key-value.ts';
export type {
  Compare,
  CompareTarget,
  DeleteRequest,
  DeleteResult,
  Operation,
  OperationResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  SortTarget,
  TransactionRequest,
  TransactionResult,
} from './backend/transaction.ts';
export type { Watch, WatchEvent, WatchRequest, WatchUpdate } from './backend/watch.ts';
export {
  type ConfigCenterConfig,
  ConfigCenterConfigError,
  defaultConfigCenterConfig,
  resolveConfigCenterConfig,
  testConfigCenterConfig,
} from './config-center/config.ts';
export {
  type ConfigCallOptions,
  ConfigCenter,
  type ConfigCenterOptions,
  type ConfigOperation,
  type ConfigSetOptions,
  type ConfigWriteOptions,
  maxConfigOperations,
} from './config-center/config-center.ts';
export type { ConfigDiff } from './config-center/config-diff.ts';
export type { WriteNote } from './config-center/config-record.ts';
export type { ConfigSchemaRule } from './config-center/config-schema.ts';
export {
  type ConfigChange,
  ConfigChangeType,
  type ConfigValue,
  type ConfigVersion,
} from './config-center/config-value.ts';
export type { ConfigWatch, ConfigWatchOptions } from './config-center/config-watch.ts';
export type { JsonChange } from './config-center/json-diff.ts';
export type { LineChange } from './config-center/line-diff.ts';
export type { TypedConfig, TypedConfigValue } from './config-center/typed-config.ts';
export type { EncryptionKey } from './config-center/value-cipher.ts';
export { VersionConflictError } from './config-center/version-conflict-error.ts';
export {
  CancelledError,
  ClosedError,
  ConflictError,
  ConnectionError,
  CoordinationError,
  type CoordinationErrorCode,
  coordinationErrorOf,
  OutcomeUnknownError,
  TimeoutError,
  ValidationError,
  withCoordinationErrors,
} from './coordination-error.ts';
export {
  type CoordinationConfig,
  CoordinationConfigError,
  defaultConfig,
  developmentConfig,
  newConfigCenterConfig,
  newDistributedLockConfig,
  newRetryConfig,
  newServiceRegistryConfig,
  type PartialCoordinationConfig,
  productionConfig,
  resolveCoordinationConfig,
  type TlsConfig,
  testConfig,
} from './coordinator/config.ts';
export { CoordinationMetrics } from './coordinator/coordination-metrics.ts';
export { Coordinator, type CoordinatorOptions, create } from './coordinator/coordinator.ts';
export {
  acquireLock,
  acquireReadLock,
  acquireReentrantLock,
  acquireWriteLock,
  close,
  configureDefaultCoordinator,
  defaultCoordinator,
  deregisterService,
  discoverServices,
  getConfig,
  getServiceConnection,
  ping,
  registerService,
  setConfig,
  watchConfig,
} from './coordinator/default-coordinator.ts';
export type { DistributedLockConfig } from './coordinator/lock-config.ts';
export type { BackendChoice } from './coordinator/open-backend.ts';
export type { RetryConfig } from './coordinator/retry-policy.ts';
export { ClientChannel } from './embedded/client-channel.ts';
export {
  type ClusterCoordinationOptions,
  connectEmbedded,
  type EmbeddedCoordinationOptions,
  type EmbeddedPlace,
  openEmbeddedCoordination,
} from './embedded/embedded-coordination.ts';
export { MachineBackend, type MachineBackendOptions } from './embedded/machine-backend.ts';
export type { MachineCallKind, MachineCallOptions, MachineChannel } from './embedded/machine-channel.ts';
export { openEtcdBackend } from './etcd/etcd-backend.ts';
export type { EtcdBackendOptions, EtcdLocation, EtcdTls } from './etcd/etcd-options.ts';
export { AtomicCounter } from './lock/atomic-counter.ts';
export { Barrier } from './lock/barrier.ts';
export { type AcquireOptions, DistributedLock, type DistributedLockOptions } from './lock/distributed-lock.ts';
export { DoubleBarrier, type EnterOptions, type Participant } from './lock/double-barrier.ts';
export { type CampaignOptions, Election, type Leader, Leadership } from './lock/election.ts';
export type { LineOptions } from './lock/line-options.ts';
export type { GuardedPutOptions, Lock, LockCallOptions, ReentrantLock } from './lock/lock.ts';
export { NotHeldError } from './lock/lock-error.ts';
export { MultiLock } from './lock/multi-lock.ts';
export { Permit, type PermitOptions, Semaphore } from './lock/semaphore.ts';
export {
  runTransaction,
  type SoftwareTransactionOptions,
  type TransactionBody,
} from './lock/software-transaction.ts';
export { TokenFence } from './lock/token-fence.ts';
export { createCoordinationMachine } from './machine/coordination-machine.ts';
export { type CoordinationMachineConfig, defaultCoordinationMachineConfig } from './machine/machine-config.ts';
export { machineRange } from './machine/record-key.ts';
export {
  createServiceRegistry,
  type ServiceRegistryOptions,
} from './registry/backend-service-registry.ts';
export { LoadBalanceStrategy } from './registry/balancer/balancing-strategy.ts';
export { defaultOutlierRules, type OutlierRules } from './registry/balancer/outlier-detector.ts';
export type { ServiceChannel } from './registry/balancer/service-channel.ts';
export {
  defaultServiceRegistryConfig,
  resolveServiceRegistryConfig,
  type ServiceRegistryConfig,
  ServiceRegistryConfigError,
  serviceRegistryViolations,
  testServiceRegistryConfig,
} from './registry/config.ts';
export type { HealthCheck, HealthProber } from './registry/health-check.ts';
export type { HealthMonitor, HealthReport } from './registry/health-monitor.ts';
export { networkProber } from './registry/network-prober.ts';
export type {
  Registration,
  RegistrationCallOptions,
  RegistrationConflict,
  RegistrationEnd,
  RegistrationEvent,
} from './registry/registration.ts';
export { NotRegisteredError, RegisteredElsewhereError } from './registry/registry-error.ts';
export {
  HealthStatus,
  type ServiceInfo,
  type ServiceList,
  type ServiceQuery,
  type ServiceRegistration,
} from './registry/service-info.ts';
export type {
  ConnectionOptions,
  DiscoverOptions,
  MonitorOptions,
  RegisterOptions,
  RegistryCallOptions,
  ServiceRegistry,
  ServiceWatchOptions,
} from './registry/service-registry.ts';
export type { ServiceWatch } from './registry/service-watch.ts';
export { openSession, type SessionOptions } from './session/open-session.ts';
export { type Session, SessionLostError } from './session/session.ts';
