import type { Runtime } from '@flotilla/runtime';
import { BackendError } from '../../src/backend/backend-error.ts';
import type {
  CallOptions,
  CoordinationBackend,
  LeaseGrant,
  LeaseRequest,
} from '../../src/backend/coordination-backend.ts';

/** One call that reached the server. */
export interface LeaseCall {
  readonly type: 'grant' | 'keepAlive' | 'revoke';
  readonly atMs: number;
}

/**
 * A server of leases and nothing else, on virtual time. A request takes `requestMs` there and `answerMs` back; while `isCut`, it
 * is lost on its way, and while `answersAreLost`, it is carried out and its answer is lost: both end by the call's time.
 */
export class ScriptedLeaseServer {
  requestMs = 5;
  answerMs = 5;
  isCut = false;
  answersAreLost = false;
  /** What the next calls fail of, without being carried out. */
  readonly failures: BackendError[] = [];
  readonly calls: LeaseCall[] = [];
  readonly #runtime: Runtime;
  /** When each lease ends, in the server's clock. */
  readonly #endsAtMs = new Map<bigint, { ttlMs: number; endsAtMs: number }>();
  #lastLeaseId = 0n;

  /** `runtime` is the server's own: it goes on while a holder is paused. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether the server still has the lease. */
  holds(leaseId: bigint): boolean {
    const lease = this.#endsAtMs.get(leaseId);
    return lease !== undefined && this.#runtime.clock.monotonicMs() < lease.endsAtMs;
  }

  /** The server as one holder reaches it; `runtime` is the holder's, which hears nothing while it is paused. */
  connect(runtime: Runtime): CoordinationBackend {
    const call = <T>(type: LeaseCall['type'], options: CallOptions | undefined, work: () => T): Promise<T> =>
      this.#carry(runtime, type, options, work);
    const backend: Partial<CoordinationBackend> = {
      location: { type: 'here' },
      grantLease: (request, options) => call('grant', options, () => this.#grant(request)),
      keepLeaseAlive: (leaseId, options) => call('keepAlive', options, () => this.#keepAlive(leaseId)),
      revokeLease: (leaseId, options) => call('revoke', options, () => this.#revoke(leaseId)),
    };
    return backend as CoordinationBackend;
  }

  #grant({ ttlMs }: LeaseRequest): LeaseGrant {
    this.#lastLeaseId += 1n;
    this.#endsAtMs.set(this.#lastLeaseId, { ttlMs, endsAtMs: this.#runtime.clock.monotonicMs() + ttlMs });
    return { leaseId: this.#lastLeaseId, ttlMs, revision: 1n };
  }

  #keepAlive(leaseId: bigint): number {
    const lease = this.#endsAtMs.get(leaseId);
    if (lease === undefined || !this.holds(leaseId)) throw new BackendError('leaseNotFound', 'no such lease');
    lease.endsAtMs = this.#runtime.clock.monotonicMs() + lease.ttlMs;
    return lease.ttlMs;
  }

  #revoke(leaseId: bigint): void {
    if (!this.holds(leaseId)) throw new BackendError('leaseNotFound', 'no such lease');
    this.#endsAtMs.delete(leaseId);
  }

  #carry<T>(runtime: Runtime, type: LeaseCall['type'], options: CallOptions = {}, work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { signal, timeoutMs = 1_000 } = options;
      const expiry = runtime.timers.after(timeoutMs, () => reject(new BackendError('timeout', 'no answer in time')));
      const onAbort = (): void => {
        expiry.cancel();
        reject(new BackendError('cancelled', 'given up'));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const answer = (settle: () => void): void => {
        runtime.timers.after(this.answerMs, () => {
          signal?.removeEventListener('abort', onAbort);
          expiry.cancel();
          settle();
        });
      };
      if (this.isCut) return;
      this.#runtime.timers.after(this.requestMs, () => {
        this.calls.push({ type, atMs: this.#runtime.clock.monotonicMs() });
        try {
          const failure = this.failures.shift();
          if (failure !== undefined) throw failure;
          const result = work();
          if (!this.answersAreLost) answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }
}
