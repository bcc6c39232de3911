import { expect, it } from 'vitest';
import type { Measurement } from '../../src/cluster/measure.ts';
import type { SystemName } from '../../src/cluster/options.ts';
import { renderSummary, summarize } from '../../src/cluster/report.ts';

function measurement(system: SystemName, round: number, operations: number): Measurement {
  const result = { operations, seconds: 2, p50Ms: round, p99Ms: 10 * round, errors: 1, firstError: 'x' };
  const server = system === 'etcd' ? 'etcd-1' : 'node-1';
  const generator = system === 'embedded' ? {} : { generator: 0.5 };
  return { system, operation: 'put', clients: 100, round, result, cpuSeconds: { [server]: 1, ...generator } };
}

const measurements = [
  ...[measurement('etcd', 1, 1_000), measurement('embedded', 1, 4_000)],
  ...[measurement('etcd', 2, 2_000), measurement('embedded', 2, 4_000)],
  ...[measurement('etcd', 3, 2_000), measurement('embedded', 3, 5_000)],
];

it('takes medians over the rounds, and ratios within a round', () => {
  const { rows, processes } = summarize({ measurements, peakBytes: { 'etcd-1': 1024 ** 2, 'node-1': 5 * 1024 ** 2 } });
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({ system: 'etcd', operationsPerSecond: 1_000, spread: [500, 1_000], ratio: undefined });
  expect(rows[0]).toMatchObject({ p50Ms: 2, p99Ms: 20, serverCpuUs: 500, generatorCpuUs: 250, errors: 3 });
  expect(rows[1]).toMatchObject({ system: 'embedded', operationsPerSecond: 2_000, ratio: 2.5, serverCpuUs: 250 });
  expect(processes).toContainEqual({ name: 'node-1', cpuSeconds: 3, peakBytes: 5 * 1024 ** 2 });
});

it('has no ratios without etcd', () => {
  const { rows } = summarize({ measurements: [measurement('grpc', 1, 10)], peakBytes: {} });
  expect(rows[0]?.ratio).toBeUndefined();
});

it('shows a line for each row and each process', () => {
  const text = renderSummary(summarize({ measurements, peakBytes: { 'node-1': 5 * 1024 ** 2 } }));
  expect(text).toMatch(/put.*100.*Flotilla, embedded.*2,000.*2\.50/);
  expect(text).toMatch(/node-1.*3\.00.*5/);
});
