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
export { type Session, SessionLostError } from './session/session.ts';
