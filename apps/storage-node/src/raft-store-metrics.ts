import type { LatencySum, StoreMetricsSnapshot } from '@flotilla/raftstore';
import { Counter, Gauge, type Registry } from 'prom-client';

type NumberField = {
  [Field in keyof StoreMetricsSnapshot]: StoreMetricsSnapshot[Field] extends number ? Field : never;
}[keyof StoreMetricsSnapshot];
type LatencyField = Exclude<keyof StoreMetricsSnapshot, NumberField>;

/** What only grows, by its name in Prometheus. */
const counters: Readonly<Record<string, readonly [NumberField, string]>> = {
  proposals: ['proposals', 'Commands that were proposed.'],
  refused_proposals: ['refusedProposals', 'Commands that were refused before they reached the log.'],
  reads: ['reads', 'Read commands.'],
  messages_received: ['raftMessagesReceived', 'Raft messages from other stores.'],
  messages_sent: ['raftMessagesSent', 'Raft messages to other stores.'],
  messages_dropped: ['raftMessagesDropped', 'Raft messages that no queue had room for.'],
  snapshots_sent: ['snapshotsSent', 'Snapshots sent to other stores.'],
  snapshots_applied: ['snapshotsApplied', 'Snapshots taken in.'],
  log_compactions: ['logCompactions', 'Log compactions that were applied.'],
  log_bytes: ['logBytes', 'Bytes written to raft logs.'],
  log_appends: ['logAppends', 'Appends of peers that synced writes held together.'],
  applied_operations: ['appliedOperations', 'Operations applied to the data.'],
};

/** What goes up and down, by its name in Prometheus. */
const gauges: Readonly<Record<string, readonly [NumberField, string]>> = {
  raft_mailbox_messages: ['raftMailboxLength', 'Messages that wait for the raft worker.'],
  store_mailbox_messages: ['storeMailboxLength', 'Messages that wait for the store worker.'],
  apply_queue_bytes: ['applyQueueBytes', 'Bytes of committed entries that wait to be applied.'],
  region_tasks_pending: ['regionTasksPending', 'Snapshot tasks that wait or run.'],
};

/** Sums of times: each becomes a count and a sum, whose quotient is the mean. */
const latencies: Readonly<Record<string, readonly [LatencyField, string]>> = {
  propose_to_apply: ['proposeToApply', "from a command's arrival to its answer"],
  read: ['readLatency', "from a read's arrival to its answer"],
  log_write: ['logWrite', 'of synced writes of the raft database'],
  apply_write: ['applyWrite', 'of writes of the kv database'],
};

/** Adds a store's figures to `registry`; they are read from the store at each scrape. */
export function registerRaftStoreMetrics(registry: Registry, store: { metrics(): StoreMetricsSnapshot }): void {
  const registers = [registry];
  const count = (name: string, help: string, read: (figures: StoreMetricsSnapshot) => number): void => {
    const metric: Counter = new Counter({
      name: `flotilla_raft_${name}`,
      help,
      registers,
      collect: () => {
        metric.reset();
        metric.inc(read(store.metrics()));
      },
    });
  };
  for (const [name, [field, help]] of Object.entries(counters))
    count(`${name}_total`, help, (figures) => figures[field]);
  for (const [name, [field, help]] of Object.entries(gauges)) {
    const metric: Gauge = new Gauge({
      name: `flotilla_raft_${name}`,
      help,
      registers,
      collect: () => metric.set(store.metrics()[field]),
    });
  }
  for (const [name, [field, what]] of Object.entries(latencies)) {
    const sum = (figures: StoreMetricsSnapshot): LatencySum => figures[field];
    count(`${name}_seconds_count`, `Times ${what}: how many.`, (figures) => sum(figures).count);
    count(`${name}_seconds_sum`, `Times ${what}: their sum.`, (figures) => sum(figures).totalMs / 1_000);
  }
}
