import Table from 'cli-table3';
import type { ClusterBenchResult, Measurement } from './measure.ts';
import type { OperationName, SystemName } from './options.ts';
import { median } from './statistics.ts';

/** One line of the result: a system under one kind of load, over all rounds. */
export interface Row {
  readonly operation: OperationName;
  readonly clients: number;
  readonly system: SystemName;
  /** Medians over the rounds. */
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The fewest and the most operations a second of a round. */
  readonly spread: readonly [number, number];
  /** Median over the rounds of the ratio to etcd in the same round; `undefined` without etcd, and for etcd. */
  readonly ratio: number | undefined;
  /** CPU of all servers for one operation; with the client embedded it is in there. */
  readonly serverCpuUs: number;
  /** CPU of the load generator for one operation; 0 with the client embedded. */
  readonly generatorCpuUs: number;
  readonly errors: number;
}

/** What a process used while its own system was measured. */
export interface ProcessRow {
  readonly name: string;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** A result in short: a line for each setting and system, and one for each process. */
export interface Summary {
  readonly rows: readonly Row[];
  readonly processes: readonly ProcessRow[];
}

/** Sums up what was measured; rows in the order in which their first measurements were made. */
export function summarize({ measurements, peakBytes }: ClusterBenchResult): Summary {
  const groups = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const { operation, clients, system } = measurement;
    const name = `${operation} ${clients} ${system}`;
    groups.set(name, [...(groups.get(name) ?? []), measurement]);
  }
  const processes = Object.entries(peakBytes).map(([name, bytes]) => ({
    name,
    cpuSeconds: sum(measurements.map(({ cpuSeconds }) => cpuSeconds[name] ?? 0)),
    peakBytes: bytes,
  }));
  return { rows: [...groups.values()].map((group) => rowOf(group, measurements)), processes };
}

function rowOf(group: readonly Measurement[], all: readonly Measurement[]): Row {
  const [first] = group as [Measurement];
  const { operation, clients, system } = first;
  const rates = group.map(rateOf);
  const ratios = group.flatMap((one) => {
    const rival = all.find(
      (other) =>
        other.system === 'etcd' &&
        other.operation === operation &&
        other.clients === clients &&
        other.round === one.round,
    );
    return rival === undefined || rateOf(rival) === 0 ? [] : [rateOf(one) / rateOf(rival)];
  });
  const cpuUs = (counts: (name: string) => boolean): number =>
    median(group.map((one) => (cpuOf(one, counts) * 1e6) / Math.max(1, one.result.operations)));
  return {
    operation,
    clients,
    system,
    operationsPerSecond: median(rates),
    p50Ms: median(group.map(({ result }) => result.p50Ms)),
    p99Ms: median(group.map(({ result }) => result.p99Ms)),
    spread: [Math.min(...rates), Math.max(...rates)],
    ratio: system === 'etcd' || ratios.length === 0 ? undefined : median(ratios),
    serverCpuUs: cpuUs((name) => name !== 'generator'),
    generatorCpuUs: cpuUs((name) => name === 'generator'),
    errors: sum(group.map(({ result }) => result.errors)),
  };
}

function rateOf({ result }: Measurement): number {
  return result.operations / result.seconds;
}

function cpuOf({ cpuSeconds }: Measurement, counts: (name: string) => boolean): number {
  return sum(Object.entries(cpuSeconds).map(([name, seconds]) => (counts(name) ? seconds : 0)));
}

/** The summary as text for people. */
export function renderSummary({ rows, processes }: Summary): string {
  const loads = table([
    '',
    'clients',
    'system',
    'ops/s',
    'spread',
    'p50 ms',
    'p99 ms',
    '× etcd',
    'server µs/op',
    'load µs/op',
    'errors',
  ]);
  for (const row of rows) {
    loads.push([
      row.operation,
      row.clients,
      systemNames[row.system],
      whole(row.operationsPerSecond),
      row.spread.map(whole).join('–'),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      row.ratio?.toFixed(2) ?? '',
      whole(row.serverCpuUs),
      row.system === 'embedded' ? '(in server)' : whole(row.generatorCpuUs),
      row.errors,
    ]);
  }
  const usage = table(['process', 'CPU s', 'peak MiB']);
  for (const { name, cpuSeconds, peakBytes } of processes) {
    usage.push([name, cpuSeconds.toFixed(2), whole(peakBytes / 1024 ** 2)]);
  }
  return `${loads.toString()}\n\n${usage.toString()}`;
}

const systemNames: Readonly<Record<SystemName, string>> = {
  etcd: 'etcd, gRPC',
  grpc: 'Flotilla, gRPC',
  embedded: 'Flotilla, embedded',
};

function table(head: readonly string[]) {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const colAligns = head.map(
    (name) => (['', 'system', 'process'].includes(name) ? 'left' : 'right') as 'left' | 'right',
  );
  return new Table({ head: [...head], chars, colAligns, style: { head: [], border: [] } });
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
