import type { Runtime } from '@flotilla/runtime';
import { backoffMs } from '@flotilla/scheduler-client';
import { type Observable, Subject } from 'rxjs';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { throwIfCancelled } from '../cancellation.ts';
import { withCoordinationErrors } from '../coordination-error.ts';
import type { Session } from '../session/session.ts';
import { linkAbort } from './abort-link.ts';
import type { ServiceRegistryConfig } from './config.ts';
import type { RecordStore } from './record-store.ts';
import type {
  Registration,
  RegistrationCallOptions,
  RegistrationConflict,
  RegistrationEnd,
  RegistrationEvent,
} from './registration.ts';
import { type ClaimResult, claimRecord } from './registration-claim.ts';
import { judgeUpdate, type Verdict } from './registration-verdict.ts';
import { isClosed, RegisteredElsewhereError } from './registry-error.ts';
import { type HealthStatus, isSettled, type ServiceInfo } from './service-info.ts';
import type { ServiceLayout } from './service-layout.ts';
import { checkHealth, checkMetadata } from './service-validation.ts';

/** Opens a session of the given time to live. */
export type SessionOpener = (ttlMs: number, signal: AbortSignal | undefined) => Promise<Session>;

/** What a registration works with. */
export interface KeptRegistrationOptions {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  readonly layout: ServiceLayout;
  readonly store: RecordStore;
  readonly config: ServiceRegistryConfig;
  readonly openSession: SessionOpener;
  readonly info: ServiceInfo;
  readonly onEnd: () => void;
}

/** Leases that a registration remembers as its own; older ones have long expired. */
const ownLeases = 16;

/** A registration: one session at a time, a watch of its own key, and a loop that registers again. */
export class KeptRegistration implements Registration {
  readonly #options: KeptRegistrationOptions;
  readonly #events = new Subject<RegistrationEvent>();
  readonly #closing = new AbortController();
  readonly #over = new AbortController();
  readonly #leases: bigint[] = [];
  #info: ServiceInfo;
  #session: Session | undefined;
  #revision = 0n;
  #stands = false;
  #loop: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: KeptRegistrationOptions) {
    this.#options = options;
    this.#info = options.info;
  }

  get info(): ServiceInfo {
    const { clock } = this.#options.runtime;
    const session = this.#session;
    if (session === undefined || !session.isAlive) return this.#info;
    return { ...this.#info, lastHeartbeat: new Date(clock.wallMs() - (session.ttlMs - session.remainingMs)) };
  }

  get isRegistered(): boolean {
    return this.#stands && this.#session?.isAlive === true;
  }

  get leaseId(): bigint {
    return this.#session?.leaseId ?? 0n;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get events(): Observable<RegistrationEvent> {
    return this.#events;
  }

  /**
   * Registers for the first time and begins to keep it.
   *
   * @throws {RegisteredElsewhereError} with code `conflict` under `refuse`.
   * @throws {BackendError}
   */
  async open(onConflict: RegistrationConflict, signal: AbortSignal | undefined): Promise<void> {
    const session = await this.#openSession(signal);
    try {
      throwIfCancelled(signal, 'registering an instance');
      const { store } = this.#options;
      const isOwn = (leaseId: bigint): boolean => leaseId === session.leaseId;
      const target = { ...this.#target, signal };
      const claim = { target, info: this.#info, leaseId: session.leaseId, isOwn, onForeign: onConflict };
      const result = await claimRecord(store, claim);
      if (result.type !== 'claimed') throw new RegisteredElsewhereError(target.name, target.instanceId, undefined);
      this.#stand(result, false);
    } catch (error) {
      // Unheard: where the backend is away it takes as long as the lease, which then runs out by itself.
      session.close().catch((reason: unknown) => this.#ignore(reason));
      throw error;
    }
    this.#loop = this.#keep();
  }

  async updateHealth(health: HealthStatus, options: RegistrationCallOptions = {}): Promise<void> {
    checkHealth(health);
    await this.#modify('changing health', (info) => ({ ...info, health }), options);
  }

  /** Writes down what a check found, unless an operator has the instance in maintenance. */
  async reportHealth(health: HealthStatus, options: RegistrationCallOptions = {}): Promise<void> {
    const change = (info: ServiceInfo) => (isSettled(info, health) ? undefined : { ...info, health });
    await this.#modify('reporting health', change, options);
  }

  async setDraining(isDraining: boolean, options: RegistrationCallOptions = {}): Promise<void> {
    await this.#modify('draining an instance', (info) => ({ ...info, isDraining }), options);
  }

  async setMetadata(metadata: Readonly<Record<string, string>>, options: RegistrationCallOptions = {}): Promise<void> {
    checkMetadata(metadata);
    await this.#modify('changing metadata', (info) => ({ ...info, metadata: { ...metadata } }), options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #target(): { readonly name: string; readonly instanceId: string } {
    return { name: this.#info.name, instanceId: this.#info.instanceId };
  }

  async #modify(
    action: string,
    change: (info: ServiceInfo) => ServiceInfo | undefined,
    { signal }: RegistrationCallOptions,
  ): Promise<void> {
    const { name, instanceId } = this.#target;
    const written = await withCoordinationErrors(action, () =>
      this.#options.store.modify({ name, instanceId, signal }, (record, { leaseId }) => {
        if (!this.#leases.includes(leaseId)) {
          throw new RegisteredElsewhereError(name, instanceId, record.info.address);
        }
        const changed = change(record.info);
        if (changed === undefined) return undefined;
        const lastHeartbeat = new Date(this.#options.runtime.clock.wallMs());
        return { info: { ...changed, lastHeartbeat }, isLeaving: false };
      }),
    );
    if (written.revision > this.#revision) this.#info = written.info;
  }

  async #openSession(signal: AbortSignal | undefined): Promise<Session> {
    const session = await this.#options.openSession(this.#options.config.ttlMs, signal);
    this.#session = session;
    this.#leases.push(session.leaseId);
    if (this.#leases.length > ownLeases) this.#leases.shift();
    return session;
  }

  #stand({ info, revision, isWritten }: ClaimResult & { readonly type: 'claimed' }, isAgain: boolean): void {
    this.#info = info;
    this.#revision = revision;
    if (this.#stands && !isWritten) return;
    this.#stands = true;
    this.#events.next({ type: 'registered', revision, isAgain });
  }

  async #keep(): Promise<void> {
    for (;;) {
      const verdict = await this.#hold();
      if (verdict.type === 'lost') {
        this.#stands = false;
        this.#options.runtime.logger.warn('an instance lost its registration', { service: this.#info.name });
        this.#events.next(verdict);
      }
      const reason = verdict.type === 'ended' ? verdict.reason : await this.#registerAgain();
      if (reason === undefined) continue;
      await this.#finish(reason);
      return;
    }
  }

  /** Resolves when the record has changed hands or is gone, or the lease can be trusted no more. */
  async #hold(): Promise<Verdict> {
    const { backend, layout, runtime, config } = this.#options;
    const { name, instanceId } = this.#target;
    const session = this.#session as Session;
    const link = linkAbort(session.signal, this.#closing.signal);
    const { signal } = link.controller;
    const key = layout.instanceKey(name, instanceId);
    try {
      await using watch = backend.watch({ key, startRevision: this.#revision + 1n }, { signal });
      for await (const update of watch) {
        const { verdict, revision, info } = judgeUpdate(update, this.#info, session.leaseId);
        if (revision !== undefined) this.#revision = revision;
        if (info !== undefined && revision !== undefined) {
          this.#info = info;
          this.#events.next({ type: 'changed', info, revision });
        }
        if (verdict !== undefined) return verdict;
      }
    } catch (error) {
      if (isClosed(error)) return { type: 'ended', reason: 'backendClosed' };
      runtime.logger.warn('watching an own registration failed', { service: name, error });
      await runtime.timers.sleep(config.backoffMaxMs, signal).catch(() => undefined);
    } finally {
      link.release();
    }
    if (this.#closing.signal.aborted) return { type: 'ended', reason: 'closed' };
    return session.signal.aborted ? { type: 'lost', cause: session.signal.reason } : { type: 'unsure' };
  }

  /** Tries until it is registered; resolves with a reason when there is nothing left to try. */
  async #registerAgain(): Promise<RegistrationEnd | undefined> {
    const { config, runtime, store } = this.#options;
    const { signal } = this.#closing;
    let goneLease = 0n;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const before = this.#session;
      const isUsable = before?.isAlive === true && before.leaseId !== goneLease;
      try {
        const session = isUsable ? before : await this.#openSession(signal);
        const info = { ...this.#info, lastHeartbeat: new Date(runtime.clock.wallMs()) };
        const isOwn = (leaseId: bigint): boolean => this.#leases.includes(leaseId);
        const target = { ...this.#target, signal };
        const result = await claimRecord(store, {
          target,
          info,
          leaseId: session.leaseId,
          isOwn,
          onForeign: 'giveWay',
        });
        if (before !== session) before?.close().catch((error: unknown) => this.#ignore(error));
        if (result.type !== 'claimed') return result.type;
        this.#stand(result, true);
        return undefined;
      } catch (error) {
        if (signal.aborted) break;
        if (isClosed(error)) return 'backendClosed';
        if (isUsable && error instanceof BackendError && error.code === 'leaseNotFound') {
          // Revoked by somebody; its session will notice at the next renewal.
          goneLease = before.leaseId;
          continue;
        }
        const retryInMs = backoffMs(attempt, config, runtime.random);
        this.#events.next({ type: 'attemptFailed', attempt, retryInMs, cause: error });
        await runtime.timers.sleep(retryInMs, signal).catch(() => undefined);
      }
    }
    return 'closed';
  }

  async #finish(reason: RegistrationEnd): Promise<void> {
    this.#stands = false;
    if (reason === 'superseded' || reason === 'deregistered') {
      this.#options.runtime.logger.warn('an instance is registered no more', { service: this.#info.name, reason });
    }
    this.#events.next({ type: 'ended', reason });
    this.#events.complete();
    this.#over.abort(reason);
    this.#options.onEnd();
    if (reason !== 'closed') await this.#session?.close().catch((error: unknown) => this.#ignore(error));
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    const session = this.#session;
    if (session === undefined || this.#over.signal.reason === 'backendClosed') return;
    if (session.isAlive) {
      const leaving = this.#options.store.markLeaving(this.#target, session.leaseId);
      await leaving.catch((error: unknown) => this.#ignore(error));
    }
    await session.close();
  }

  /** What failed heals by itself when the lease expires. */
  #ignore(error: unknown): void {
    this.#options.runtime.logger.debug('leaving the registry failed', { service: this.#info.name, error });
  }
}
