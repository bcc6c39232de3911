import type { Runtime } from '@flotilla/runtime';
import type { ServiceRegistryConfig } from './config.ts';
import type { HealthCheck, HealthProber } from './health-check.ts';
import { HealthTracker } from './health-tracker.ts';
import { parseAddress } from './service-address.ts';
import type { HealthStatus, ServiceInfo } from './service-info.ts';

/** What the checks of one instance work with. */
export interface HealthCheckLoopOptions {
  readonly runtime: Runtime;
  readonly config: ServiceRegistryConfig;
  readonly prober: HealthProber;
  readonly check: HealthCheck;
  /** The instance as it stands; asked before each check. */
  readonly instance: () => ServiceInfo;
  /** What is believed before the first result; it decides alone over an unknown status. */
  readonly initial: HealthStatus;
  /** Told after every check, so that a report that failed is made again. A failure is logged. */
  readonly report: (status: HealthStatus) => Promise<void>;
  readonly firstDelayMs: number;
}

/** Checks one instance again and again until it is closed; the next check starts one interval after the last one ended. */
export class HealthCheckLoop {
  readonly #options: HealthCheckLoopOptions;
  readonly #tracker: HealthTracker;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: HealthCheckLoopOptions) {
    this.#options = options;
    this.#tracker = new HealthTracker(options.config, options.initial);
    this.#ended = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { runtime, config, report, instance, firstDelayMs } = this.#options;
    const { signal } = this.#closing;
    await runtime.timers.sleep(firstDelayMs, signal).catch(() => undefined);
    while (!signal.aborted) {
      const status = this.#tracker.record(await this.#isWell());
      if (signal.aborted) return;
      try {
        await report(status);
      } catch (error) {
        runtime.logger.warn('reporting the result of a health check failed', { service: instance().name, error });
      }
      await runtime.timers.sleep(config.healthCheckIntervalMs, signal).catch(() => undefined);
    }
  }

  async #isWell(): Promise<boolean> {
    const { runtime, config, prober, check, instance } = this.#options;
    const target = parseAddress(check.address ?? instance().address);
    if (target === undefined) return false;
    const attempt = new AbortController();
    const end = (): void => attempt.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', end, { once: true });
    const timer = runtime.timers.after(config.healthCheckTimeoutMs, () => attempt.abort());
    try {
      await prober.probe(check, target, attempt.signal);
      return !attempt.signal.aborted;
    } catch (error) {
      runtime.logger.debug('a health check failed', { service: instance().name, error });
      return false;
    } finally {
      timer.cancel();
      this.#closing.signal.removeEventListener('abort', end);
    }
  }
}
