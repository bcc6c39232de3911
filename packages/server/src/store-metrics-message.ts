import { flotillapb } from '@flotilla/protocol';
import type { LatencySummary, StoreMetricsSnapshot } from '@flotilla/raftstore';
import { storeCounters, storeGauges, storeLatencies } from './store-figures.ts';

/** A store's figures as the admin service tells them. */
export function storeMetricsMessage(figures: StoreMetricsSnapshot): flotillapb.StoreMetrics {
  return {
    latencies: storeLatencies.map(({ field, name }) => latencyMessage(name, figures[field])),
    counters: storeCounters.map(({ field, name }) => ({ name, value: figures[field] })),
    gauges: storeGauges.map(({ field, name }) => ({ name, value: figures[field] })),
    workers: Object.entries(figures.workers).map(([name, stats]) => flotillapb.WorkerStatus.create({ name, ...stats })),
  };
}

function latencyMessage(name: string, summary: LatencySummary): flotillapb.StageLatency {
  const { count, totalMs, p50Ms, p99Ms, maxMs } = summary;
  return {
    name,
    count,
    totalUs: microseconds(totalMs),
    p50Us: microseconds(p50Ms),
    p99Us: microseconds(p99Ms),
    maxUs: microseconds(maxMs),
  };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}
