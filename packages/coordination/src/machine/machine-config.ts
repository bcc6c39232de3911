/** How a coordination machine behaves. Nothing of it changes what a command does: replicas may differ. */
export interface CoordinationMachineConfig {
  /** Seconds of the shortest lease; the leader's is logged, and holds for all. At least 1. */
  readonly minLeaseTtlSeconds: number;
  /** Time between two ticks of a leader that counts as standing still: no lease's time passes in it. Longer than two ticks. */
  readonly standstillMs: number;
  /** The most leases that one command ends, and about the most keys that hang on them. */
  readonly expireBatch: number;
  /** The most records that one command purges. */
  readonly purgeBatch: number;
  /** The leader compacts what is older than this many revisions; 0 leaves compaction to callers. */
  readonly retainedRevisions: number;
  /** Bytes of the latest changes that are kept in memory for watches and reads, about. */
  readonly recentBytes: number;
  /** Bytes of a watch's piece, about; a revision that is larger is a piece by itself unless it may be cut. */
  readonly pieceBytes: number;
  /** A watch that has nothing to tell says so this often. */
  readonly progressIntervalMs: number;
}

/** The defaults: etcd's, where etcd has them. */
export const defaultCoordinationMachineConfig: CoordinationMachineConfig = {
  minLeaseTtlSeconds: 2,
  standstillMs: 1_000,
  expireBatch: 500,
  purgeBatch: 1_000,
  retainedRevisions: 100_000,
  recentBytes: 16 * 1024 * 1024,
  pieceBytes: 1024 * 1024,
  progressIntervalMs: 5_000,
};
