import type { Runtime } from '@flotilla/runtime';
import type { ServiceRegistryConfig } from './config.ts';
import type { FeedLease } from './feed-pool.ts';
import type { HealthCheck, HealthProber } from './health-check.ts';
import { HealthCheckLoop } from './health-check-loop.ts';
import type { HealthStatus, ServiceInfo } from './service-info.ts';

/**
 * Where a monitor's findings go. `record`: into the instances' records, for everybody; one monitor for a service is enough.
 * `local`: into the lists and connections of this registry alone, as for what only this process cannot reach.
 */
export type HealthReport = 'record' | 'local';

/** What a monitor works with. */
export interface HealthMonitorOptions {
  readonly runtime: Runtime;
  readonly config: ServiceRegistryConfig;
  readonly prober: HealthProber;
  readonly check: HealthCheck;
  readonly report: HealthReport;
  readonly feed: FeedLease;
  /** Writes a finding into a record, unless an operator has the instance in maintenance. */
  readonly write: (instance: ServiceInfo, health: HealthStatus, signal: AbortSignal) => Promise<void>;
  readonly onEnd: () => void;
}

/** Checks every instance of a service, those that come later too, until it is closed. */
export class HealthMonitor implements AsyncDisposable {
  readonly #options: HealthMonitorOptions;
  readonly #loops = new Map<string, HealthCheckLoop>();
  readonly #closing = new AbortController();
  readonly #unsubscribe: () => void;
  #instances = new Map<string, ServiceInfo>();

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#unsubscribe = options.feed.feed.subscribe(() => this.#follow());
    this.#follow();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#unsubscribe();
    const { feed, onEnd } = this.#options;
    for (const id of this.#loops.keys()) feed.feed.setLocalHealth(id, undefined);
    await Promise.all([...this.#loops.values()].map((loop) => loop.close()));
    this.#loops.clear();
    feed.release();
    onEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #follow(): void {
    const { feed } = this.#options.feed;
    if (!feed.hasList || this.#closing.signal.aborted) return;
    const { instances } = feed.list({ includeUnhealthy: true });
    this.#instances = new Map(instances.map((instance) => [instance.instanceId, instance]));
    for (const [id, loop] of this.#loops) {
      if (this.#instances.has(id)) continue;
      this.#loops.delete(id);
      void loop.close();
    }
    for (const instance of instances) {
      if (!this.#loops.has(instance.instanceId)) this.#loops.set(instance.instanceId, this.#start(instance));
    }
  }

  #start(first: ServiceInfo): HealthCheckLoop {
    const { runtime, config, prober, check, report, feed, write } = this.#options;
    const id = first.instanceId;
    const instance = (): ServiceInfo => this.#instances.get(id) ?? first;
    return new HealthCheckLoop({
      runtime,
      config,
      prober,
      check,
      instance,
      initial: first.health,
      // Spread over one interval, so that a service is not looked at all at once.
      firstDelayMs: runtime.random.fraction() * config.healthCheckIntervalMs,
      report: async (health) => {
        if (report === 'local') feed.feed.setLocalHealth(id, health);
        else if (instance().health !== health) await write(instance(), health, this.#closing.signal);
      },
    });
  }
}
