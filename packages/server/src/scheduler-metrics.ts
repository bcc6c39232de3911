import type { SchedulerCore, SchedulerStatus } from '@flotilla/scheduler';
import { Gauge, Registry } from 'prom-client';
import type { CallObserver } from './grpc-service.ts';
import { registerCallMetrics } from './store-metrics.ts';

/** What a scheduler shows of itself. */
export interface SchedulerMetrics {
  readonly registry: Registry;
  /** Hears of calls; handed to the service. */
  readonly observe: CallObserver;
}

/** A registry with the gauges of `core`, which are read at each scrape, and the counters of its calls. */
export function createSchedulerMetrics(core: Pick<SchedulerCore, 'status'>): SchedulerMetrics {
  const registry = new Registry();
  const gauge = (name: string, help: string, read: (status: SchedulerStatus) => number): void => {
    const metric: Gauge = new Gauge({
      name: `flotilla_scheduler_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(read(core.status())),
    });
  };
  gauge('healthy', '1 while the storage works, 0 once it has failed.', (status) => Number(status.isHealthy));
  gauge('bootstrapped', '1 once the cluster has its first store.', (status) => Number(status.isBootstrapped));
  gauge('stores', 'Stores that were ever put.', (status) => status.storeCount);
  gauge('regions', 'Regions that are known.', (status) => status.regionCount);
  gauge('region_heartbeats_accepted', 'Region heartbeats taken in since the start.', (status) => {
    return status.heartbeatsAccepted;
  });
  gauge('region_heartbeats_refused', 'Region heartbeats refused as stale or malformed since the start.', (status) => {
    return status.heartbeatsRefused;
  });
  return { registry, observe: registerCallMetrics(registry) };
}
