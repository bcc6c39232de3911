import type { Runtime } from '@flotilla/runtime';
import type { ServiceRegistryConfig } from './config.ts';
import type { FeedLease } from './feed-pool.ts';
import type { HealthCheck, HealthProber } from './health-check.ts';
import { HealthCheckLoop } from './health-check-loop.ts';
import { HealthMonitor, type HealthMonitorOptions } from './health-monitor.ts';
import type { KeptRegistration } from './kept-registration.ts';
import type { MonitorOptions } from './service-registry.ts';

/** What checks work with. */
export interface HealthChecksOptions {
  readonly runtime: Runtime;
  readonly config: ServiceRegistryConfig;
  readonly prober: HealthProber;
}

/** The health checks of one registry: of the instances registered here, and of services that are monitored from here. */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #loops = new Set<HealthCheckLoop>();
  readonly #monitors = new Set<HealthMonitor>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Checks an instance that is registered here until its registration is over, at once for the first time. */
  keep(registration: KeptRegistration, check: HealthCheck): void {
    if (registration.signal.aborted) return;
    const loop = new HealthCheckLoop({
      ...this.#options,
      check,
      instance: () => registration.info,
      initial: registration.info.health,
      report: (health) => registration.reportHealth(health),
      firstDelayMs: 0,
    });
    this.#loops.add(loop);
    const end = (): void => {
      this.#loops.delete(loop);
      void loop.close();
    };
    registration.signal.addEventListener('abort', end, { once: true });
  }

  monitor(feed: FeedLease, options: MonitorOptions, write: HealthMonitorOptions['write']): HealthMonitor {
    const onEnd = (): void => {
      this.#monitors.delete(monitor);
    };
    const monitor: HealthMonitor = new HealthMonitor({ ...this.#options, ...options, feed, write, onEnd });
    this.#monitors.add(monitor);
    return monitor;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#monitors].map((monitor) => monitor.close()));
    await Promise.all([...this.#loops].map((loop) => loop.close()));
  }
}
