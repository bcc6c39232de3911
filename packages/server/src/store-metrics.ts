import { flotillapb } from '@flotilla/protocol';
import type { LatencySum, RaftStoreHandle, StoreMetricsSnapshot } from '@flotilla/raftstore';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallObserver } from './grpc-service.ts';

/** A store as far as its figures go. */
export interface MeasuredStore extends Pick<RaftStoreHandle, 'status'> {
  /** Counters and latency sums, where the store keeps them. */
  metrics?(): StoreMetricsSnapshot;
}

/** Adds a store's figures to `registry`; they are read from the store at each scrape. */
export function registerStoreMetrics(registry: Registry, store: MeasuredStore): void {
  registerRegionGauges(registry, store);
  const { metrics } = store;
  if (metrics !== undefined) registerStoreCounters(registry, () => metrics.call(store));
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

function registerStoreCounters(registry: Registry, read: () => StoreMetricsSnapshot): void {
  const counter = (name: string, help: string, value: (metrics: StoreMetricsSnapshot) => number): void => {
    const metric: Counter = new Counter({
      name: `flotilla_store_${name}`,
      help,
      registers: [registry],
      collect: () => {
        metric.reset();
        metric.inc(value(read()));
      },
    });
  };
  const latency = (name: string, help: string, sum: (metrics: StoreMetricsSnapshot) => LatencySum): void => {
    counter(`${name}_total`, `${help}: how many.`, (metrics) => sum(metrics).count);
    counter(`${name}_seconds_total`, `${help}: seconds, summed.`, (metrics) => sum(metrics).totalMs / 1_000);
  };
  counter('proposals_total', 'Commands that were proposed.', (metrics) => metrics.proposals);
  counter('refused_proposals_total', 'Commands that were refused.', (metrics) => metrics.refusedProposals);
  counter(
    'raft_messages_received_total',
    'Raft messages from other stores.',
    (metrics) => metrics.raftMessagesReceived,
  );
  counter('raft_messages_sent_total', 'Raft messages to other stores.', (metrics) => metrics.raftMessagesSent);
  counter('raft_messages_dropped_total', 'Raft messages that nobody took.', (metrics) => metrics.raftMessagesDropped);
  counter('snapshots_sent_total', 'Snapshots sent to other stores.', (metrics) => metrics.snapshotsSent);
  counter('snapshots_applied_total', 'Snapshots taken in.', (metrics) => metrics.snapshotsApplied);
  counter('log_compactions_total', 'Compactions of a raft log.', (metrics) => metrics.logCompactions);
  counter('consistency_checks_total', 'Hashes of regions that were computed.', (metrics) => metrics.consistencyChecks);
  counter(
    'consistency_checks_skipped_total',
    'Hashes of regions left out because too many were being computed.',
    (metrics) => metrics.consistencyChecksSkipped,
  );
  counter(
    'inconsistencies_total',
    "Hashes that were not those of the region's leader.",
    (metrics) => metrics.inconsistencies,
  );
  counter('log_bytes_total', 'Bytes written to raft logs.', (metrics) => metrics.logBytes);
  counter('applied_operations_total', 'Operations applied.', (metrics) => metrics.appliedOperations);
  latency('reads', 'Reads', (metrics) => metrics.readLatency);
  latency('proposals_applied', 'Commands, from arrival to answer', (metrics) => metrics.proposeToApply);
  latency('log_writes', 'Synced writes of the raft database', (metrics) => metrics.logWrite);
  latency('apply_writes', 'Writes of applied entries', (metrics) => metrics.applyWrite);
  const gauge = (name: string, help: string, value: (metrics: StoreMetricsSnapshot) => number): void => {
    const metric: Gauge = new Gauge({
      name: `flotilla_store_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(value(read())),
    });
  };
  gauge('raft_mailbox_messages', 'Messages that wait for the raft worker.', (metrics) => metrics.raftMailboxLength);
  gauge('store_mailbox_messages', 'Messages that wait for the store worker.', (metrics) => metrics.storeMailboxLength);
  gauge(
    'apply_queue_bytes',
    'Bytes of committed entries that wait to be applied.',
    (metrics) => metrics.applyQueueBytes,
  );
  gauge('region_tasks', 'Snapshot tasks that wait or run.', (metrics) => metrics.regionTasksPending);
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
