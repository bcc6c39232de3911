import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { backoffMs } from '@flotilla/scheduler-client';
import { Subject } from 'rxjs';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { Watch, WatchUpdate } from '../backend/watch.ts';
import { cancelledBy, throwIfCancelled, unlessAborted } from '../cancellation.ts';
import { ClosedError } from '../coordination-error.ts';
import { linkAbort } from './abort-link.ts';
import type { ServiceRegistryConfig } from './config.ts';
import { Freshness } from './freshness.ts';
import { readPagedRange } from './paged-range.ts';
import { callerError, isClosed, isLasting } from './registry-error.ts';
import {
  type HealthStatus,
  matchesQuery,
  type ServiceInfo,
  type ServiceList,
  type ServiceQuery,
} from './service-info.ts';
import type { ServiceLayout } from './service-layout.ts';
import { ServiceView } from './service-view.ts';

/** What a feed works with. */
export interface ServiceFeedOptions {
  readonly name: string;
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  readonly layout: ServiceLayout;
  readonly config: ServiceRegistryConfig;
}

/**
 * Follows one service for everybody in this process: one list, and one watch from the revision after it, so that no change
 * falls between. A compacted watch, or one that is lost, begins with a list again.
 *
 * It keeps what it knows while the backend is away, and says since when nothing has confirmed it: a watch that rides out
 * broken connections does not tell of them, so the feed asks it for its progress again and again.
 */
export class ServiceFeed {
  readonly #options: ServiceFeedOptions;
  readonly #view: ServiceView;
  readonly #freshness: Freshness;
  readonly #changes = new Subject<void>();
  readonly #closing = new AbortController();
  #watch: Watch | undefined;
  /** Ends what is under way, so that the feed begins with a list again. */
  #round: AbortController | undefined;
  #pause: AbortController | undefined;
  #failures = 0;
  #lastFailure: unknown;
  #refusals = 0;
  #fatal: unknown;
  #probe: TimerHandle | undefined;
  #release: TimerHandle | undefined;

  constructor(options: ServiceFeedOptions) {
    this.#options = options;
    const { name, layout, config, runtime } = options;
    this.#view = new ServiceView({ name, layout, rules: config, clock: runtime.clock, logger: runtime.logger });
    this.#freshness = new Freshness(runtime.clock);
  }

  /** Whether there is a list to answer from. */
  get hasList(): boolean {
    return this.#freshness.isKnown;
  }

  /** How long ago the backend confirmed what is known; infinite before the first list. */
  get ageMs(): number {
    return this.#freshness.ageMs;
  }

  /** Why the feed is at an end: it was closed, or its backend was. */
  get fatal(): unknown {
    return this.#fatal;
  }

  /** What the last attempt failed of. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  /** How often the backend refused what no time heals, such as a password. The feed tries on: somebody may set it right. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Tries again at once if it is pausing after a failure. */
  hurry(): void {
    this.#pause?.abort();
  }

  start(): void {
    const { timers, logger } = this.#options.runtime;
    this.#probe = timers.every(this.#options.config.probeIntervalMs, () => this.#checkProgress());
    this.#run().catch((error: unknown) => {
      logger.error('following a service failed', { service: this.#options.name, error });
      this.#fail(error);
    });
  }

  list(query: ServiceQuery): ServiceList {
    const view = this.#view;
    const instances = view.all.filter((instance) => matchesQuery(instance, query));
    const { retained: gone } = view;
    const retained = gone.size === 0 ? gone : new Set(instances.map(idOf).filter((id) => gone.has(id)));
    return {
      name: this.#options.name,
      instances,
      revision: view.revision,
      isStale: this.#freshness.isStale,
      staleSince: this.#freshness.staleSince,
      isProtected: gone.size > 0,
      retained,
    };
  }

  /** Calls `listener` after every change until the returned function is called; also when the feed ends. */
  subscribe(listener: () => void): () => void {
    const subscription = this.#changes.subscribe({ next: listener, complete: listener });
    return () => subscription.unsubscribe();
  }

  setLocalHealth(instanceId: string, health: HealthStatus | undefined): void {
    this.#view.setLocalHealth(instanceId, health);
    this.#changes.next();
  }

  /** Resolves with the first list. Rejects when the attempt that is under way, or the next one, fails. */
  async load(signal: AbortSignal | undefined): Promise<void> {
    if (this.hasList) return;
    const before = this.#lastFailure;
    this.hurry();
    await this.#until(() => this.hasList || this.#lastFailure !== before, signal);
    if (!this.hasList) throw callerError(this.#lastFailure, this.#action);
  }

  /**
   * Resolves when the feed knows all that was written before the call. Where the backend cannot be asked, the feed counts as
   * stale and the call resolves nevertheless.
   *
   * What was written since the feed's last revision, and how many keys there are, tells what the watch has to have brought.
   */
  async refresh(signal: AbortSignal | undefined): Promise<void> {
    const { backend, layout, name, runtime, config } = this.#options;
    try {
      const minModRevision = this.#view.revision + 1n;
      const request = { ...layout.serviceRange(name), minModRevision, keysOnly: true };
      const { kvs: changed, count, revision } = await backend.range(request, { signal });
      const patience = runtime.timers.after(config.probeIntervalMs, () => this.#restart());
      try {
        await this.#until(() => this.#view.covers({ revision, changed, count }), signal);
      } finally {
        patience.cancel();
      }
      this.#confirm();
    } catch (error) {
      if (!(error instanceof BackendError) || isLasting(error) || error.code === 'cancelled') {
        throw callerError(error, this.#action);
      }
      this.#markStale();
    }
  }

  close(): void {
    if (this.#fatal === undefined) this.#fail(new ClosedError(`${this.#action}: the registry was closed`));
  }

  get #action(): string {
    return `following service ${JSON.stringify(this.#options.name)}`;
  }

  async #run(): Promise<void> {
    const { config, runtime } = this.#options;
    while (this.#fatal === undefined) {
      let pauseMs = backoffMs(this.#failures + 1, config, runtime.random);
      try {
        await this.#follow();
      } catch (error) {
        if (this.#fatal !== undefined) return;
        if (isClosed(error)) {
          this.#fail(error);
          return;
        }
        if (isLasting(error)) {
          this.#refusals += 1;
          pauseMs = config.backoffMaxMs;
        }
        this.#lastFailure = error;
        this.#markStale();
        this.#changes.next();
      }
      this.#failures += 1;
      await this.#sleep(pauseMs);
    }
  }

  async #follow(): Promise<void> {
    const { backend, layout, name } = this.#options;
    const link = linkAbort(this.#closing.signal);
    this.#round = link.controller;
    const { signal } = link.controller;
    try {
      const range = layout.serviceRange(name);
      const list = await readPagedRange(backend, range, { signal });
      this.#view.replace(list);
      this.#settle();
      this.#watch = backend.watch({ ...range, startRevision: list.revision + 1n }, { signal });
      for await (const update of this.#watch) if (!this.#take(update)) return;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      link.release();
      const watch = this.#watch;
      this.#watch = undefined;
      await watch?.close();
    }
  }

  /** Returns whether the watch goes on. */
  #take(update: WatchUpdate): boolean {
    switch (update.type) {
      case 'events':
        this.#view.apply(update.revision, update.events);
        this.#settle();
        return true;
      case 'progress':
        this.#view.confirm(update.revision);
        this.#confirm();
        return true;
      case 'compacted':
        return false;
      default:
        return update satisfies never;
    }
  }

  /** Tells of a change, and of what is to be let go later. */
  #settle(): void {
    this.#confirm();
    this.#armRelease();
    this.#changes.next();
  }

  #armRelease(): void {
    this.#release?.cancel();
    const dueMs = this.#view.nextReleaseMs;
    if (dueMs === undefined || this.#fatal !== undefined) return;
    this.#release = this.#options.runtime.timers.after(dueMs, () => {
      this.#view.release();
      this.#armRelease();
      this.#changes.next();
    });
  }

  #confirm(): void {
    this.#failures = 0;
    if (this.#freshness.confirm()) this.#changes.next();
  }

  #markStale(): void {
    if (this.#fatal === undefined && this.#freshness.doubt()) this.#changes.next();
  }

  #checkProgress(): void {
    if (this.ageMs > 2 * this.#options.config.probeIntervalMs) this.#markStale();
    this.#watch?.requestProgress();
  }

  #restart(): void {
    this.#round?.abort();
    this.#pause?.abort();
  }

  #fail(error: unknown): void {
    this.#fatal = error;
    this.#probe?.cancel();
    this.#release?.cancel();
    this.#closing.abort(error);
    this.#pause?.abort();
    this.#changes.complete();
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#fatal !== undefined) return;
    this.#pause = new AbortController();
    await this.#options.runtime.timers.sleep(ms, this.#pause.signal).catch(() => undefined);
    this.#pause = undefined;
  }

  async #until(isDone: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    throwIfCancelled(signal, this.#action);
    if (isDone()) return;
    if (this.#fatal !== undefined) throw callerError(this.#fatal, this.#action);
    let unsubscribe = (): void => {};
    const done = new Promise<void>((resolve, reject) => {
      unsubscribe = this.subscribe(() => {
        if (isDone()) resolve();
        else if (this.#fatal !== undefined) reject(callerError(this.#fatal, this.#action));
      });
    });
    try {
      await unlessAborted(done, signal, () => cancelledBy(signal as AbortSignal, this.#action));
    } finally {
      unsubscribe();
    }
  }
}

function idOf({ instanceId }: ServiceInfo): string {
  return instanceId;
}
