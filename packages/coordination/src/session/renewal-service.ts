import { type Clock, type Runtime, unreachable } from '@flotilla/runtime';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { SessionLostError } from './session.ts';
import type { KeptLease, LossReason, RenewerEvent } from './worker/message.ts';
import { type Renewer, spawnInlineRenewer, spawnThreadRenewer } from './worker/spawn.ts';

const lossMessages: Readonly<Record<LossReason, string>> = {
  leaseNotFound: 'the server has let the lease go',
  deadlinePassed: 'the lease was not renewed in time',
  backendClosed: 'the backend was closed, and with it the renewal of the lease',
};

interface Served {
  readonly lease: KeptLease;
  readonly onLost: (error: SessionLostError) => void;
  readonly requests: Map<number, () => void>;
}

/** The part of a renewal service that one session uses. */
export interface Renewal {
  /** Resolves once a renewal that is sent from now on is confirmed; never, when the lease is lost. */
  renew(): Promise<void>;
  /** Ends the renewal; idempotent. */
  stop(): void;
}

/** The services whose renewers are threads. */
const services = new WeakMap<CoordinationBackend, RenewalService>();

/** Has the leases of sessions renewed, and tells each session of its own. */
export class RenewalService {
  readonly #runtime: Runtime;
  readonly #renewer: Renewer;
  readonly #served = new Map<number, Served>();
  #lastSessionId = 0;
  #lastRequestId = 0;

  private constructor(backend: CoordinationBackend, runtime: Runtime, spawn: typeof spawnInlineRenewer) {
    this.#runtime = runtime;
    this.#renewer = spawn(backend, runtime, (event) => this.#take(event));
  }

  /**
   * The service for a backend: one thread for all sessions of it, or, for a backend that cannot be opened elsewhere, a renewer in
   * this thread, on the runtime of whoever asks.
   */
  static for(backend: CoordinationBackend, runtime: Runtime): RenewalService {
    if (backend.location.type === 'here') return new RenewalService(backend, runtime, spawnInlineRenewer);
    const present = services.get(backend);
    if (present !== undefined) return present;
    const service = new RenewalService(backend, runtime, spawnThreadRenewer);
    services.set(backend, service);
    return service;
  }

  /** The clock of all deadlines. */
  get clock(): Clock {
    return this.#renewer.clock;
  }

  /** Renews `lease` until stopped or lost; `onLost` is called at most once, and never after `stop`. */
  keep(lease: KeptLease, onLost: (error: SessionLostError) => void): Renewal {
    this.#lastSessionId += 1;
    const sessionId = this.#lastSessionId;
    const served: Served = { lease, onLost, requests: new Map() };
    this.#served.set(sessionId, served);
    this.#renewer.send({ type: 'keep', sessionId, ...lease });
    return {
      renew: () => this.#renew(sessionId, served),
      stop: () => {
        if (this.#served.delete(sessionId)) this.#renewer.send({ type: 'forget', sessionId });
      },
    };
  }

  #renew(sessionId: number, served: Served): Promise<void> {
    this.#lastRequestId += 1;
    const requestId = this.#lastRequestId;
    return new Promise((resolve) => {
      served.requests.set(requestId, resolve);
      this.#renewer.send({ type: 'renew', sessionId, requestId });
    });
  }

  #take(event: RenewerEvent): void {
    const served = this.#served.get(event.sessionId);
    if (served === undefined) return;
    switch (event.type) {
      case 'renewed':
        for (const requestId of event.requestIds) {
          served.requests.get(requestId)?.();
          served.requests.delete(requestId);
        }
        return;
      case 'retrying': {
        const { code, message, retryInMs } = event;
        this.#runtime.logger.warn('a lease could not be renewed; trying again', { code, reason: message, retryInMs });
        return;
      }
      case 'lost':
        this.#served.delete(event.sessionId);
        served.onLost(new SessionLostError(lossMessages[event.reason]));
        return;
      default:
        unreachable(event, 'event of a renewer of leases');
    }
  }
}
