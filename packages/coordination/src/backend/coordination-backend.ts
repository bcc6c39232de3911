import type {
  DeleteRequest,
  DeleteResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TransactionRequest,
  TransactionResult,
} from './transaction.ts';
import type { Watch, WatchRequest } from './watch.ts';

/** What every call takes. */
export interface CallOptions {
  /** Gives the call up; a write that was sent by then rejects with `outcomeUnknown`. */
  readonly signal?: AbortSignal | undefined;
  /** The whole time of the call, retries included; the backend's own unless given. */
  readonly timeoutMs?: number | undefined;
}

/** Asks for a lease. */
export interface LeaseRequest {
  /** At least 1; a backend may grant more: whole seconds, or no less than its minimum. */
  readonly ttlMs: number;
  /** Chosen by the backend unless given; above 0. */
  readonly leaseId?: bigint | undefined;
}

/** A lease as granted. */
export interface LeaseGrant {
  readonly leaseId: bigint;
  /** How long it lasts unrenewed, counted from when the server took the request. */
  readonly ttlMs: number;
  readonly revision: bigint;
}

/** What is left of a lease. */
export interface LeaseStatus {
  readonly leaseId: bigint;
  readonly grantedTtlMs: number;
  /** Measured when it was answered, so that it is less by now. */
  readonly remainingMs: number;
  /** The keys that hang on it, when asked for. */
  readonly keys: readonly Uint8Array[];
}

/** Where a backend can be opened again, as plain data: a worker thread opens its own. */
export type BackendLocation =
  | { readonly type: 'etcd'; readonly options: unknown }
  | { readonly type: 'cluster'; readonly options: unknown }
  /** Only where it is: a node in the same process, or a simulated world. */
  | { readonly type: 'here' };

/**
 * A replicated store of keys with one revision per write, as etcd has it: what registry, locks and configuration are made of.
 *
 * Reads and writes are linearizable unless a read says `serializable`. Every method rejects with a `BackendError`. What is not
 * idempotent is not sent twice: a write whose answer was lost rejects with `outcomeUnknown`.
 */
export interface CoordinationBackend extends AsyncDisposable {
  /** For logs: `etcd`, `embedded` … and where. Holds no secrets. */
  readonly name: string;
  readonly location: BackendLocation;

  range(request: RangeRequest, options?: CallOptions): Promise<RangeResult>;
  put(request: PutRequest, options?: CallOptions): Promise<PutResult>;
  delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResult>;
  transact(request: TransactionRequest, options?: CallOptions): Promise<TransactionResult>;

  /** Forgets what was overwritten or deleted before `revision`; reads and watches of older revisions are `compacted`. */
  compact(revision: bigint, options?: CallOptions): Promise<void>;

  grantLease(request: LeaseRequest, options?: CallOptions): Promise<LeaseGrant>;
  /**
   * Starts the lease's time afresh; resolves with the time, counted from when the server took the request, so that a caller who
   * counts from when it asked is on the safe side. Rejects with `leaseNotFound` once it is gone.
   */
  keepLeaseAlive(leaseId: bigint, options?: CallOptions): Promise<number>;
  /** Ends the lease and deletes its keys, in one revision. */
  revokeLease(leaseId: bigint, options?: CallOptions): Promise<void>;
  /** Rejects with `leaseNotFound`. */
  leaseStatus(leaseId: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseStatus>;
  leases(options?: CallOptions): Promise<readonly bigint[]>;

  watch(request: WatchRequest, options?: { readonly signal?: AbortSignal | undefined }): Watch;

  /** Resolves when a quorum has answered. */
  ping(options?: CallOptions): Promise<void>;
  /**
   * Ends watches and connections; what is under way rejects with `closed`, or, being a write that was sent, with
   * `outcomeUnknown`. Leases are left to expire.
   */
  close(): Promise<void>;
}
