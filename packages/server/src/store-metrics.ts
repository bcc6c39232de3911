import { flotillapb } from '@flotilla/protocol';
import type { RaftStoreHandle, StoreMetricsSnapshot } from '@flotilla/raftstore';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallObserver } from './grpc-service.ts';
import { storeCounters, storeGauges, storeLatencies } from './store-figures.ts';
import { registerStoreHistogram } from './store-histogram.ts';

/** A store as far as its figures go. */
export interface MeasuredStore extends Pick<RaftStoreHandle, 'status'> {
  /** Counters and histograms, where the store keeps them. */
  metrics?(): StoreMetricsSnapshot;
}

/** Adds a store's figures to `registry`; they are read from the store at each scrape. */
export function registerStoreMetrics(registry: Registry, store: MeasuredStore): void {
  registerRegionGauges(registry, store);
  const { metrics } = store;
  if (metrics === undefined) return;
  const read = (): StoreMetricsSnapshot => metrics.call(store);
  registerStoreFigures(registry, read);
  registerWorkerFigures(registry, read);
}

function registerRegionGauges(registry: Registry, store: MeasuredStore): void {
  const gauge = (name: string, help: string, read: (regions: readonly flotillapb.RegionStatus[]) => number): void => {
    const metric: Gauge = new Gauge({
      name: `flotilla_store_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(read(store.status())),
    });
  };
  gauge('regions', 'Peers of regions on this store.', (regions) => regions.length);
  gauge('leaders', 'Regions that this store leads.', (regions) => regions.filter(isLeader).length);
  gauge('leaderless_regions', 'Regions whose leader this store does not know.', (regions) => {
    return regions.filter((region) => region.leader === undefined).length;
  });
  gauge('apply_lag_entries', 'Entries that are committed and not yet applied, over all regions.', (regions) => {
    return regions.reduce((sum, region) => sum + Math.max(0, region.commitIndex - region.appliedIndex), 0);
  });
  gauge('raft_log_entries', 'Entries in the raft logs, over all regions.', (regions) => {
    return regions.reduce((sum, region) => sum + Math.max(0, region.lastIndex + 1 - region.firstIndex), 0);
  });
  gauge('approximate_bytes', 'Bytes of keys and values, roughly, over all regions.', (regions) => {
    return regions.reduce((sum, region) => sum + region.approximateSize, 0);
  });
}

function registerStoreFigures(registry: Registry, read: () => StoreMetricsSnapshot): void {
  const registers = [registry];
  for (const { field, name, help } of storeCounters) {
    const metric: Counter = new Counter({
      name: `flotilla_store_${name}_total`,
      help,
      registers,
      collect: () => {
        metric.reset();
        metric.inc(read()[field]);
      },
    });
  }
  for (const { field, name, help } of storeGauges) {
    const metric: Gauge = new Gauge({
      name: `flotilla_store_${name}`,
      help,
      registers,
      collect: () => metric.set(read()[field]),
    });
  }
  for (const { field, name, help } of storeLatencies) {
    registerStoreHistogram(registry, { name: `flotilla_store_${name}_seconds`, help }, () => read()[field]);
  }
}

function registerWorkerFigures(registry: Registry, read: () => StoreMetricsSnapshot): void {
  const registers = [registry];
  const tasks: Counter = new Counter({
    name: 'flotilla_store_tasks_total',
    help: 'Tasks of each worker: done, failed for good, or attempted again.',
    labelNames: ['worker', 'outcome'],
    registers,
    collect: () => {
      tasks.reset();
      for (const [worker, { done, failed, retried }] of Object.entries(read().workers)) {
        tasks.inc({ worker, outcome: 'done' }, done);
        tasks.inc({ worker, outcome: 'failed' }, failed);
        tasks.inc({ worker, outcome: 'retried' }, retried);
      }
    },
  });
  const replaced: Counter = new Counter({
    name: 'flotilla_store_workers_replaced_total',
    help: 'Times that a worker failed and was replaced.',
    labelNames: ['worker'],
    registers,
    collect: () => {
      replaced.reset();
      for (const [worker, stats] of Object.entries(read().workers)) replaced.inc({ worker }, stats.replaced);
    },
  });
  const pending: Gauge = new Gauge({
    name: 'flotilla_store_tasks_pending',
    help: 'Tasks of each worker that wait or run.',
    labelNames: ['worker'],
    registers,
    collect: () => {
      for (const [worker, stats] of Object.entries(read().workers)) pending.set({ worker }, stats.pending);
    },
  });
}

/** Adds the counters of calls to `registry`; the observer is handed to the services. */
export function registerCallMetrics(registry: Registry): CallObserver {
  const calls = new Counter({
    name: 'flotilla_grpc_calls_total',
    help: 'gRPC calls that ended, by method and status code.',
    labelNames: ['method', 'code'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'flotilla_grpc_call_seconds',
    help: 'How long single-request gRPC calls took, by method.',
    labelNames: ['method'],
    buckets: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return (path, statusCode, durationMs) => {
    const method = path.slice(path.lastIndexOf('/') + 1);
    calls.inc({ method, code: statusCode });
    seconds.observe({ method }, durationMs / 1_000);
  };
}

function isLeader({ role }: flotillapb.RegionStatus): boolean {
  return role === flotillapb.RaftRole.Leader;
}
