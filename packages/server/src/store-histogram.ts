import { type LatencySummary, latencyBoundsMs } from '@flotilla/raftstore';
import type { Metric, MetricValueWithName, Registry } from 'prom-client';

/** Every second bound of the store's histograms is told: powers of two, which is fine enough for a dashboard. */
const toldBounds = latencyBoundsMs.flatMap((ms, index) => (index % 2 === 0 ? [{ index, seconds: ms / 1_000 }] : []));

/**
 * Adds a histogram that the store keeps itself to `registry`, as `NAME_bucket`, `NAME_sum` and `NAME_count`. The library's own
 * histogram would have to hear of every single time.
 */
export function registerStoreHistogram(
  registry: Registry,
  { name, help }: { readonly name: string; readonly help: string },
  read: () => LatencySummary,
): void {
  const metric = {
    name,
    help,
    async get() {
      return { name, help, type: 'histogram', aggregator: 'sum', values: valuesOf(name, read()) };
    },
    reset() {},
  };
  registry.registerMetric(metric as unknown as Metric);
}

function valuesOf(name: string, summary: LatencySummary): MetricValueWithName<string>[] {
  const { buckets, count, totalMs } = summary;
  const values: MetricValueWithName<string>[] = [];
  let cumulative = 0;
  let next = 0;
  for (const { index, seconds } of toldBounds) {
    for (; next <= index; next += 1) cumulative += buckets[next] ?? 0;
    values.push({ metricName: `${name}_bucket`, labels: { le: seconds }, value: cumulative });
  }
  values.push({ metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count });
  values.push({ metricName: `${name}_sum`, labels: {}, value: totalMs / 1_000 });
  values.push({ metricName: `${name}_count`, labels: {}, value: count });
  return values;
}
