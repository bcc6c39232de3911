import type { TaskWorkerStats } from '@flotilla/actor';
import { LatencyHistogram, type LatencySummary } from './latency-histogram.ts';

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
  /** Transfers that were tried again, with the same files. */
  readonly snapshotSendRetries: number;
  readonly snapshotsApplied: number;
  /** Received snapshots whose files were damaged before they were taken in; others were asked for. */
  readonly snapshotsDamaged: number;
  /** Bytes of snapshot files that the transport took, and that were stored here. */
  readonly snapshotBytesSent: number;
  readonly snapshotBytesReceived: number;
  readonly logCompactions: number;
  /** Hashes of regions that were computed. */
  readonly consistencyChecks: number;
  /** Hashes left out because too many were being computed. */
  readonly consistencyChecksSkipped: number;
  /** Hashes that were not those of the region's leader. */
  readonly inconsistencies: number;
  /** Splits of regions that this store led. */
  readonly splits: number;
  /** Times that peers of this store began to ask for votes because they missed a leader. */
  readonly campaigns: number;
  /** Elections that they won. */
  readonly electionsWon: number;
  /** Writes that took longer than `slowWriteMs`. */
  readonly slowWrites: number;
  /** From a command's arrival at the store to its peer's taking it up: what it waits in the mailbox. */
  readonly propose: LatencySummary;
  /** From a peer's append to the beginning of the write that holds it. */
  readonly append: LatencySummary;
  /** From the proposal of a command to its commit. */
  readonly commit: LatencySummary;
  /** From the commit of entries to their being applied and written. */
  readonly apply: LatencySummary;
  /** From a command's arrival at its peer to its answer: all of these but the first. */
  readonly proposeToApply: LatencySummary;
  readonly readLatency: LatencySummary;
  /** Synced writes of the raft database: group commits. */
  readonly logWrite: LatencySummary;
  readonly logBytes: number;
  /** Peers' appends that these writes held together; over `logWrite.count` it is the mean size of a group. */
  readonly logAppends: number;
  readonly applyWrite: LatencySummary;
  readonly appliedOperations: number;
  readonly raftMailboxLength: number;
  readonly storeMailboxLength: number;
  readonly applyMailboxLength: number;
  readonly schedulerMailboxLength: number;
  /** Bytes gathered behind the write of the raft database that is under way. */
  readonly pendingLogBytes: number;
  readonly applyQueueBytes: number;
  readonly regionTasksPending: number;
  /** 1 while the store takes no writes because its disk has no room. */
  readonly diskFull: number;
  readonly snapshotsSending: number;
  readonly snapshotsReceiving: number;
  readonly snapshotsApplying: number;
  readonly peers: number;
  readonly leaders: number;
  /** Peers of regions that hibernate. */
  readonly hibernatingPeers: number;
  /** Ticks of single peers; those that hibernate have none. */
  readonly peerTicks: number;
  /** The workers beside the actors, by name. */
  readonly workers: Readonly<Record<string, TaskWorkerStats>>;
}

type Gauge =
  | 'raftMailboxLength'
  | 'storeMailboxLength'
  | 'applyMailboxLength'
  | 'schedulerMailboxLength'
  | 'pendingLogBytes'
  | 'applyQueueBytes'
  | 'regionTasksPending'
  | 'diskFull'
  | 'snapshotsSending'
  | 'snapshotsReceiving'
  | 'snapshotsApplying'
  | 'peers'
  | 'leaders'
  | 'hibernatingPeers'
  | 'peerTicks'
  | 'workers';

/** Counts what a store does. */
export class StoreMetrics {
  proposals = 0;
  refusedProposals = 0;
  raftMessagesReceived = 0;
  raftMessagesSent = 0;
  raftMessagesDropped = 0;
  snapshotsSent = 0;
  snapshotSendRetries = 0;
  snapshotsApplied = 0;
  snapshotsDamaged = 0;
  snapshotBytesSent = 0;
  snapshotBytesReceived = 0;
  logCompactions = 0;
  consistencyChecks = 0;
  consistencyChecksSkipped = 0;
  inconsistencies = 0;
  splits = 0;
  campaigns = 0;
  electionsWon = 0;
  slowWrites = 0;
  readonly propose: LatencyHistogram = new LatencyHistogram();
  readonly append: LatencyHistogram = new LatencyHistogram();
  readonly commit: LatencyHistogram = new LatencyHistogram();
  readonly apply: LatencyHistogram = new LatencyHistogram();
  #logBytes = 0;
  #logAppends = 0;
  #appliedOperations = 0;
  readonly #proposeToApply = new LatencyHistogram();
  readonly #read = new LatencyHistogram();
  readonly #logWrite = new LatencyHistogram();
  readonly #applyWrite = new LatencyHistogram();

  proposalApplied(ms: number): void {
    this.#proposeToApply.record(ms);
  }

  readDone(ms: number): void {
    this.#read.record(ms);
  }

  logWritten(appends: number, bytes: number, ms: number): void {
    this.#logAppends += appends;
    this.#logBytes += bytes;
    this.#logWrite.record(ms);
  }

  applyWritten(operations: number, ms: number): void {
    this.#appliedOperations += operations;
    this.#applyWrite.record(ms);
  }

  snapshot(gauges: Pick<StoreMetricsSnapshot, Gauge>): StoreMetricsSnapshot {
    const read = this.#read.summary();
    return {
      proposals: this.proposals,
      refusedProposals: this.refusedProposals,
      reads: read.count,
      raftMessagesReceived: this.raftMessagesReceived,
      raftMessagesSent: this.raftMessagesSent,
      raftMessagesDropped: this.raftMessagesDropped,
      snapshotsSent: this.snapshotsSent,
      snapshotSendRetries: this.snapshotSendRetries,
      snapshotsApplied: this.snapshotsApplied,
      snapshotsDamaged: this.snapshotsDamaged,
      snapshotBytesSent: this.snapshotBytesSent,
      snapshotBytesReceived: this.snapshotBytesReceived,
      logCompactions: this.logCompactions,
      consistencyChecks: this.consistencyChecks,
      consistencyChecksSkipped: this.consistencyChecksSkipped,
      inconsistencies: this.inconsistencies,
      splits: this.splits,
      campaigns: this.campaigns,
      electionsWon: this.electionsWon,
      slowWrites: this.slowWrites,
      propose: this.propose.summary(),
      append: this.append.summary(),
      commit: this.commit.summary(),
      apply: this.apply.summary(),
      proposeToApply: this.#proposeToApply.summary(),
      readLatency: read,
      logWrite: this.#logWrite.summary(),
      logBytes: this.#logBytes,
      logAppends: this.#logAppends,
      applyWrite: this.#applyWrite.summary(),
      appliedOperations: this.#appliedOperations,
      ...gauges,
    };
  }
}
