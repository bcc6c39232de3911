import type { flotillapb } from '@flotilla/protocol';
import Table from 'cli-table3';
import { grouped } from '../load/progress.ts';
import type { StoreOverview } from './status.ts';

type Metrics = flotillapb.StoreMetrics;

/** How the stores do their work, one line each; `undefined` when none of them tells. */
export function renderStoreLoad(
  stores: readonly StoreOverview[],
  headings: (...names: readonly string[]) => string[],
): string | undefined {
  const head = ['store', 'writes', 'p50/p99 ms', 'sync ms', 'apply ms', 'reads', 'p50/p99 ms', 'waiting', 'troubles'];
  const table = new Table({ head: headings(...head), style: { head: [], border: [], compact: true } });
  for (const { report } of stores) {
    if (report.type !== 'answered' || report.status.metrics === undefined) continue;
    table.push(loadRow(report.store.id, report.status.metrics));
  }
  return table.length === 0 ? undefined : table.toString();
}

function loadRow(storeId: number, metrics: Metrics): string[] {
  const times = (name: string): string => {
    const latency = latencyOf(metrics, name);
    return latency === undefined || latency.count === 0 ? '-' : `${millis(latency.p50Us)}/${millis(latency.p99Us)}`;
  };
  const count = (name: string): string => grouped(latencyOf(metrics, name)?.count ?? 0);
  const write = 'propose_to_apply';
  return [
    String(storeId),
    ...[count(write), times(write), times('log_write'), times('apply')],
    ...[count('read'), times('read')],
    waiting(metrics),
    troubles(metrics).join(', ') || 'none',
  ];
}

/** Everything that waits for one of the store's workers. */
function waiting({ gauges, workers }: Metrics): string {
  const messages = sum(gauges.filter(({ name }) => name.endsWith('_mailbox_length')).map(({ value }) => value));
  const tasks = sum(workers.map(({ pending }) => pending));
  return `${grouped(messages)} messages, ${grouped(tasks)} tasks`;
}

function troubles({ counters, workers }: Metrics): string[] {
  const found: (readonly [number, string])[] = [
    [figureOf(counters, 'slow_writes'), 'slow writes'],
    [figureOf(counters, 'inconsistencies'), 'inconsistent regions'],
    [sum(workers.map(({ failed }) => failed)), 'failed tasks'],
    [sum(workers.map(({ replaced }) => replaced)), 'replaced workers'],
  ];
  return found.filter(([number]) => number > 0).map(([number, what]) => `${grouped(number)} ${what}`);
}

/** A store's figures for programs: everything, by name. */
export function storeMetricsJson({ latencies, counters, gauges, workers }: Metrics): unknown {
  return {
    latencies: Object.fromEntries(latencies.map(({ name, ...figures }) => [name, figures])),
    counters: Object.fromEntries(counters.map(({ name, value }) => [name, value])),
    gauges: Object.fromEntries(gauges.map(({ name, value }) => [name, value])),
    workers: Object.fromEntries(workers.map(({ name, ...stats }) => [name, stats])),
  };
}

function latencyOf({ latencies }: Metrics, name: string): flotillapb.StageLatency | undefined {
  return latencies.find((latency) => latency.name === name);
}

function figureOf(figures: readonly flotillapb.StoreFigure[], name: string): number {
  return figures.find((figure) => figure.name === name)?.value ?? 0;
}

function millis(us: number): string {
  return us < 9_950 ? (us / 1_000).toFixed(1) : grouped(Math.round(us / 1_000));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
