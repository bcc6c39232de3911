export type { Items } from './batch-cutter.ts';
export type { CallOptions } from './call-deadline.ts';
export {
  type BatchFailure,
  BatchIncompleteError,
  CancelledError,
  ClientError,
  type ClientErrorCode,
  ClosedError,
  DeadlineExceededError,
  InvalidArgumentError,
  OutcomeUnknownError,
  RegionRefusalError,
  RejectedError,
  UnavailableError,
} from './client-error.ts';
export {
  defaultRawClientConfig,
  type RawClientConfig,
  RawClientConfigError,
  type ReadPreference,
  resolveRawClientConfig,
  testRawClientConfig,
} from './config.ts';
export { KeySpace, rawKeyPrefix } from './key-space.ts';
export type { LocalStore, LocalStream } from './local-store.ts';
export {
  createMachineClient,
  type MachineCallOptions,
  type MachineClient,
  type MachineClientOptions,
  type MachineStream,
  type MachineStreamOptions,
} from './machine-client.ts';
export {
  type BatchOptions,
  createRawClient,
  type RawCallOptions,
  type RawClient,
  type RawClientOptions,
} from './raw-client.ts';
export type { Pair, ScanOptions, ScanRange } from './raw-scan.ts';
export type { RegionHashReport } from './region-hash.ts';
export type { AttemptOutcome, StoreChannels, StoreStream, StreamEvent } from './store-channels.ts';
export type { StoreReport } from './store-report.ts';
