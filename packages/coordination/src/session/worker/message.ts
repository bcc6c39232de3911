import type { BackendErrorCode } from '../../backend/backend-error.ts';

/** What the renewer of leases is told. A session's id is its own in this process. */
export type RenewerMessage =
  /** Keep a lease alive from now on. Sent again to a renewer that takes another's place. */
  | ({ readonly type: 'keep'; readonly sessionId: number } & KeptLease)
  /** Renew now, and say when that is done. */
  | { readonly type: 'renew'; readonly sessionId: number; readonly requestId: number }
  /** Leave the lease alone; nothing more is said of it. */
  | { readonly type: 'forget'; readonly sessionId: number };

/** A lease to keep alive, and how. */
export interface KeptLease {
  readonly leaseId: bigint;
  /** As granted. */
  readonly ttlMs: number;
  /** The memory of a `SharedDeadline`, in the renewer's clock; the renewer moves it with each renewal. */
  readonly deadline: SharedArrayBuffer;
  /** From one renewal to the next, counted from when they are sent. */
  readonly renewIntervalMs: number;
  /** How much sooner than on the server the lease ends here. */
  readonly marginMs: number;
}

/** What a renewer's thread says: what the renewer does, and first that it has its backend. */
export type ThreadEvent = RenewerEvent | { readonly type: 'ready' };

/** What the renewer says. */
export type RenewerEvent =
  /** A renewal that was sent after `renew` was asked for is confirmed. */
  | { readonly type: 'renewed'; readonly sessionId: number; readonly requestIds: readonly number[] }
  /** A renewal failed, and another follows in `retryInMs`. */
  | {
      readonly type: 'retrying';
      readonly sessionId: number;
      readonly code: BackendErrorCode | undefined;
      readonly message: string;
      readonly retryInMs: number;
    }
  /** The lease can be trusted no more; the renewer has forgotten it. */
  | { readonly type: 'lost'; readonly sessionId: number; readonly reason: LossReason };

/**
 * Why a lease was lost.
 *
 * - `leaseNotFound`: the server has let it go.
 * - `deadlinePassed`: no renewal was confirmed in time.
 * - `backendClosed`: nobody is left to renew it.
 */
export type LossReason = 'leaseNotFound' | 'deadlinePassed' | 'backendClosed';
