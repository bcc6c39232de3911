import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { registerStoreMetrics } from '../src/index.ts';
import { storeMetricsMessage } from '../src/store-metrics-message.ts';
import { RealCluster } from './real-cluster.ts';

const context = Buffer.from('key');

it('tells every stage of a command as a histogram, and the tasks of every worker', async () => {
  const cluster = await RealCluster.start(1);
  const store = cluster.nodes[0]?.running?.store;
  if (store === undefined) throw new Error('the store is not open');
  const client = cluster.client();
  for (let count = 0; count < 20; count += 1) await client.put(context, Buffer.from(String(count)));
  await client.get(context);
  const registry = new Registry();
  registerStoreMetrics(registry, store);
  const text = await registry.metrics();
  for (const stage of [
    'propose',
    'append',
    'log_write',
    'commit',
    'apply',
    'apply_write',
    'propose_to_apply',
    'read',
  ]) {
    const name = `flotilla_store_${stage}_seconds`;
    expect(text).toContain(`# TYPE ${name} histogram`);
    const buckets = [...text.matchAll(new RegExp(`^${name}_bucket{le="([^"]+)"} (\\d+)$`, 'gm'))];
    const counts = buckets.map(([, , value]) => Number(value));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(buckets.at(-1)?.[1]).toBe('+Inf');
    expect(counts.at(-1)).toBeGreaterThanOrEqual(stage === 'read' ? 1 : 2);
    expect(text).toContain(`${name}_count ${counts.at(-1)}\n`);
    expect(Number(new RegExp(`^${name}_sum (\\S+)$`, 'm').exec(text)?.[1])).toBeGreaterThan(0);
  }
  expect(text).toMatch(/^flotilla_store_tasks_total{worker="region",outcome="done"} \d+$/m);
  expect(text).toMatch(/^flotilla_store_tasks_pending{worker="raft-log-gc"} \d+$/m);
  expect(text).toMatch(/^flotilla_store_elections_won_total 1$/m);
});

it('has the same figures for the admin service', async () => {
  const cluster = await RealCluster.start(1);
  const client = cluster.client();
  await client.put(context, Buffer.from('1'));
  const metrics = cluster.nodes[0]?.running?.store.metrics();
  if (metrics === undefined) throw new Error('the store is not open');
  const message = storeMetricsMessage(metrics);
  const total = message.latencies.find(({ name }) => name === 'propose_to_apply');
  expect(total?.count).toBe(metrics.proposeToApply.count);
  expect(total?.p50Us).toBe(Math.round(metrics.proposeToApply.p50Ms * 1_000));
  expect(message.counters).toContainEqual({ name: 'proposals', value: metrics.proposals });
  expect(message.gauges).toContainEqual({ name: 'apply_queue_bytes', value: 0 });
  expect(message.workers.map(({ name }) => name)).toContain('region');
});
