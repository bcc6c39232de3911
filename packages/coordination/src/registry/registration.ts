import type { Observable } from 'rxjs';
import type { HealthStatus, ServiceInfo } from './service-info.ts';

/** What a registration is replaced by: whoever comes later takes over unless `refuse` is asked for. */
export type RegistrationConflict = 'takeOver' | 'refuse';

/** Why a registration is over for good. */
export type RegistrationEnd =
  /** `close` was called. */
  | 'closed'
  /** Somebody called `deregister` for it. */
  | 'deregistered'
  /** Another process registered the same instance. */
  | 'superseded'
  /** The backend it was made on was closed. */
  | 'backendClosed';

/** What happens to a registration. */
export type RegistrationEvent =
  | { readonly type: 'registered'; readonly revision: bigint; readonly isAgain: boolean }
  /** The record was changed, by this process or by another, such as an operator. */
  | { readonly type: 'changed'; readonly info: ServiceInfo; readonly revision: bigint }
  /** The lease or the key is gone; attempts to register again follow. */
  | { readonly type: 'lost'; readonly cause: unknown }
  | { readonly type: 'attemptFailed'; readonly attempt: number; readonly retryInMs: number; readonly cause: unknown }
  | { readonly type: 'ended'; readonly reason: RegistrationEnd };

/** Takes a change of one's own record. */
export interface RegistrationCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * An instance that is kept registered until `close`, or until somebody deregisters or replaces it. A lost lease and a lost key
 * are no end: it registers again as soon as the backend lets it, with the health and metadata that it had.
 */
export interface Registration extends AsyncDisposable {
  /** As last known here; `lastHeartbeat` is when the lease was last renewed. */
  readonly info: ServiceInfo;
  /** Whether it is certainly registered now. */
  readonly isRegistered: boolean;
  /** The lease it hangs on; another after each loss. */
  readonly leaseId: bigint;
  /** Aborts when it is over, with the `RegistrationEnd` as the reason. */
  readonly signal: AbortSignal;
  /** As it happens; completes after `ended`. A subscriber must not throw. */
  readonly events: Observable<RegistrationEvent>;
  /** @throws {RegisteredElsewhereError} with code `conflict` when the record is another process's by now. */
  updateHealth(health: HealthStatus, options?: RegistrationCallOptions): Promise<void>;
  /** Says whether it takes new requests; a draining instance stays registered and is not handed out. */
  setDraining(isDraining: boolean, options?: RegistrationCallOptions): Promise<void>;
  /** Replaces the metadata. */
  setMetadata(metadata: Readonly<Record<string, string>>, options?: RegistrationCallOptions): Promise<void>;
  /** Takes the instance out, which frees its lease; idempotent. Resolves when that is done or its lease has expired. */
  close(): Promise<void>;
}
