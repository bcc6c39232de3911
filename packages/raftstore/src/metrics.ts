/** A count of events and the sum of what they took. */
export interface LatencySum {
  readonly count: number;
  /** Milliseconds, summed. */
  readonly totalMs: number;
  /** The longest, in milliseconds, since the store was opened. */
  readonly maxMs: number;
}

/** Figures of one store since it was opened; plain data, for whoever publishes them. */
export interface StoreMetricsSnapshot {
  readonly proposals: number;
  readonly refusedProposals: number;
  readonly reads: number;
  readonly raftMessagesReceived: number;
  readonly raftMessagesSent: number;
  /** Raft messages that the transport or a full mailbox did not take; the core sends them again. */
  readonly raftMessagesDropped: number;
  readonly snapshotsSent: number;
  readonly snapshotsApplied: number;
  readonly logCompactions: number;
  /** Hashes of regions that were computed. */
  readonly consistencyChecks: number;
  /** Hashes left out because too many were being computed. */
  readonly consistencyChecksSkipped: number;
  /** Hashes that were not those of the region's leader. */
  readonly inconsistencies: number;
  /** Splits of regions that this store led. */
  readonly splits: number;
  /** From a command's arrival at its peer to its answer. */
  readonly proposeToApply: LatencySum;
  readonly readLatency: LatencySum;
  /** Synced writes of the raft database: group commits. */
  readonly logWrite: LatencySum;
  readonly logBytes: number;
  /** Peers' appends that these writes held together; over `logWrite.count` it is the mean size of a group. */
  readonly logAppends: number;
  readonly applyWrite: LatencySum;
  readonly appliedOperations: number;
  readonly raftMailboxLength: number;
  readonly storeMailboxLength: number;
  readonly applyQueueBytes: number;
  readonly regionTasksPending: number;
  readonly peers: number;
  readonly leaders: number;
}

class Latency {
  count = 0;
  totalMs = 0;
  maxMs = 0;

  add(ms: number): void {
    this.count += 1;
    this.totalMs += ms;
    this.maxMs = Math.max(this.maxMs, ms);
  }

  snapshot(): LatencySum {
    return { count: this.count, totalMs: this.totalMs, maxMs: this.maxMs };
  }
}

type Gauge =
  | 'raftMailboxLength'
  | 'storeMailboxLength'
  | 'applyQueueBytes'
  | 'regionTasksPending'
  | 'peers'
  | 'leaders';

/** Counts what a store does. */
export class StoreMetrics {
  proposals = 0;
  refusedProposals = 0;
  raftMessagesReceived = 0;
  raftMessagesSent = 0;
  raftMessagesDropped = 0;
  snapshotsSent = 0;
  snapshotsApplied = 0;
  logCompactions = 0;
  consistencyChecks = 0;
  consistencyChecksSkipped = 0;
  inconsistencies = 0;
  splits = 0;
  #logBytes = 0;
  #logAppends = 0;
  #appliedOperations = 0;
  readonly #proposeToApply = new Latency();
  readonly #read = new Latency();
  readonly #logWrite = new Latency();
  readonly #applyWrite = new Latency();

  proposalApplied(ms: number): void {
    this.#proposeToApply.add(ms);
  }

  readDone(ms: number): void {
    this.#read.add(ms);
  }

  logWritten(appends: number, bytes: number, ms: number): void {
    this.#logAppends += appends;
    this.#logBytes += bytes;
    this.#logWrite.add(ms);
  }

  applyWritten(operations: number, ms: number): void {
    this.#appliedOperations += operations;
    this.#applyWrite.add(ms);
  }

  snapshot(gauges: Pick<StoreMetricsSnapshot, Gauge>): StoreMetricsSnapshot {
    return {
      proposals: this.proposals,
      refusedProposals: this.refusedProposals,
      reads: this.#read.count,
      raftMessagesReceived: this.raftMessagesReceived,
      raftMessagesSent: this.raftMessagesSent,
      raftMessagesDropped: this.raftMessagesDropped,
      snapshotsSent: this.snapshotsSent,
      snapshotsApplied: this.snapshotsApplied,
      logCompactions: this.logCompactions,
      consistencyChecks: this.consistencyChecks,
      consistencyChecksSkipped: this.consistencyChecksSkipped,
      inconsistencies: this.inconsistencies,
      splits: this.splits,
      proposeToApply: this.#proposeToApply.snapshot(),
      readLatency: this.#read.snapshot(),
      logWrite: this.#logWrite.snapshot(),
      logBytes: this.#logBytes,
      logAppends: this.#logAppends,
      applyWrite: this.#applyWrite.snapshot(),
      appliedOperations: this.#appliedOperations,
      ...gauges,
    };
  }
}
