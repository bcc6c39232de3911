import { ConfigError, checkConfig } from '@flotilla/runtime';

/** How a store behaves. Every interval is a multiple of `tickIntervalMs`, rounded up. */
export interface RaftStoreConfig {
  /** Milliseconds of one base tick: one raft tick of every peer. */
  readonly tickIntervalMs: number;
  /** A follower that hears no leader campaigns after a time drawn from [1, 2) times this many ticks. */
  readonly electionTicks: number;
  /** Ticks between a leader's heartbeats. */
  readonly heartbeatTicks: number;
  /**
   * Whether a leader answers reads without asking a quorum while its lease lasts, which is a little shorter than
   * `electionTicks`; all stores of a cluster must have the same `electionTicks` and `tickIntervalMs`. Off by default: the
   * lease is as good as the monotonic clocks, and those of a virtual machine may stand still while it is suspended or moved.
   */
  readonly leaseReads: boolean;
  /** By how much the monotonic clocks of two stores may differ in speed; leases are shorter by as much. */
  readonly maxClockDriftPercent: number;
  /** How often a leader considers compacting its region's log. */
  readonly logGcIntervalMs: number;
  /** Applied entries that every replica holds are compacted once there are at least this many. */
  readonly logGcThreshold: number;
  /** Entries kept for a slow follower; past this it is left to a snapshot. */
  readonly logGcMaxEntries: number;
  /** How often a leader considers having its region measured; it does once an eighth of a part has been written. */
  readonly splitCheckIntervalMs: number;
  /** Bytes of keys and values from which on a region is split. */
  readonly regionMaxBytes: number;
  /** Bytes that the parts of a region get. */
  readonly regionSplitBytes: number;
  /** The most keys at which a region is split in one go. */
  readonly maxSplitKeys: number;
  readonly regionHeartbeatIntervalMs: number;
  /**
   * A region that nobody has used for this long hibernates: its peers stop ticking and send no heartbeats until it is used
   * again; 0 keeps all awake. All stores of a cluster need the same `electionTicks` and `tickIntervalMs` for it.
   */
  readonly hibernateAfterMs: number;
  /** How often the leader of a region that hibernates tells the scheduler of it. */
  readonly idleRegionHeartbeatIntervalMs: number;
  readonly storeHeartbeatIntervalMs: number;
  readonly snapshotGcIntervalMs: number;
  /** Age at which a generated snapshot is collected although the log still reaches back to it. */
  readonly sentSnapshotMaxAgeMs: number;
  /** A snapshot transfer that takes longer than this is given up. */
  readonly snapshotTransferTimeoutMs: number;
  readonly maxSendingSnapshots: number;
  readonly maxReceivingSnapshots: number;
  /** How often a transfer is tried, with the same files, before the leader is told that it failed. */
  readonly maxSnapshotAttempts: number;
  /** The pause before a transfer is tried again; it doubles with each failure. */
  readonly snapshotRetryBackoffMs: number;
  /** Bytes of snapshots that a store generates in a second at most, and that it sends. */
  readonly maxSnapshotBytesPerSecond: number;
  /** Bytes of one chunk of a streamed snapshot. */
  readonly snapshotChunkBytes: number;
  /** The largest encoded command. */
  readonly maxEntryBytes: number;
  readonly maxKeyBytes: number;
  readonly maxValueBytes: number;
  /** The most operations of one command. */
  readonly maxBatchOperations: number;
  /** Messages that may wait for the raft worker, and for the store worker. */
  readonly mailboxCapacity: number;
  /** Messages handled before `Ready` is taken. */
  readonly maxMessagesPerLoop: number;
  /** Log bytes gathered behind the write under way before the raft worker waits for it. */
  readonly maxPendingLogBytes: number;
  /** Proposals of one region that may be under way. */
  readonly maxPendingProposals: number;
  /** Views of regions that readers may hold open at once, and for how long: each keeps old data from being compacted away. */
  readonly maxRegionSnapshots: number;
  readonly regionSnapshotMaxAgeMs: number;
  /**
   * A leader whose followers answer, but take no entries for so long, tells who waits that the outcome is unknown, and refuses
   * commands until it commits again.
   */
  readonly maxCommitWaitMs: number;
  /** Read commands of one region that may be under way. */
  readonly maxPendingReads: number;
  /** Bytes of committed entries waiting for the apply worker above which no command is proposed. */
  readonly maxApplyQueueBytes: number;
  /** Bytes after which the apply worker closes a write batch. */
  readonly maxApplyBatchBytes: number;
  /** Bytes applied after which the kv database is synced: at most about so much is applied again at the next start. */
  readonly applySyncBytes: number;
  /** Bytes of recent entries kept in memory for each region. */
  readonly entryCacheBytes: number;
  readonly maxRaftMessageBytes: number;
  /** Append messages to one follower that may be unacknowledged. */
  readonly maxInflightMessages: number;
  /** A peer that has been without a leader for so long asks the scheduler whether it is still a member. */
  readonly maxLeaderMissingMs: number;
  /** A member that its leader has not heard of for so long is reported to the scheduler as down. */
  readonly maxPeerDownMs: number;
  /** Leadership is not handed to a peer whose log ends further behind: proposals would wait too long for it. */
  readonly maxTransferLagEntries: number;
  /**
   * Takes a change of membership although the voters it leaves may be no quorum; for an operator who knows better. Without
   * it such a change is refused.
   */
  readonly allowUnsafeMemberChanges: boolean;
  /** Bytes of log kept for a slow follower, roughly; past this it is left to a snapshot. By default 3/4 of a region. */
  readonly logGcMaxBytes: number;
  /** Free bytes on its disks below which a store takes no more writes; 0 turns that off. */
  readonly minFreeDiskBytes: number;
  readonly diskCheckIntervalMs: number;
  /**
   * Lets a region of one voter take in a second one that has not caught up. Should that one's store be dead, the region
   * could do nothing any more, so that only tests with a scheduler that adds voters at once have a use for it.
   */
  readonly allowBlankSecondVoter: boolean;
  /** How often a leader has all replicas of its region compare their data; 0 is never. */
  readonly consistencyCheckIntervalMs: number;
  /** Regions of one store that may be hashed at once; each keeps a snapshot of the database. */
  readonly maxConsistencyChecks: number;
  /** Whether a store stops when a replica of its own turns out to differ from its leader's. */
  readonly stopOnInconsistency: boolean;
  /** A write to a database that takes longer than this is counted and warned of. */
  readonly slowWriteMs: number;
  /** At most one such warning for each database in this time. */
  readonly slowWriteWarningIntervalMs: number;
  /** Snapshot, split and log-GC tasks that may wait for each worker. */
  readonly taskQueueCapacity: number;
  /** The longest that one of them may take. */
  readonly taskDeadlineMs: number;
}

const kib = 1024;
const mib = 1024 * kib;

/**
 * The defaults. Elections take one to two seconds (etcd's figures): short enough for clients to wait through, and far above
 * the pauses that garbage collection and sync writes cause in a Node process. TiKV's ten seconds are meant for 30,000 regions.
 */
export const defaultRaftStoreConfig: RaftStoreConfig = Object.freeze({
  tickIntervalMs: 100,
  electionTicks: 10,
  heartbeatTicks: 2,
  leaseReads: false,
  maxClockDriftPercent: 10,
  logGcIntervalMs: 10_000,
  logGcThreshold: 50,
  logGcMaxEntries: 128_000,
  logGcMaxBytes: 72 * mib,
  splitCheckIntervalMs: 10_000,
  regionMaxBytes: 144 * mib,
  regionSplitBytes: 96 * mib,
  maxSplitKeys: 10,
  regionHeartbeatIntervalMs: 10_000,
  hibernateAfterMs: 0,
  idleRegionHeartbeatIntervalMs: 60_000,
  storeHeartbeatIntervalMs: 10_000,
  snapshotGcIntervalMs: 60_000,
  sentSnapshotMaxAgeMs: 4 * 3_600_000,
  snapshotTransferTimeoutMs: 600_000,
  maxSendingSnapshots: 32,
  maxReceivingSnapshots: 32,
  maxSnapshotAttempts: 4,
  snapshotRetryBackoffMs: 500,
  maxSnapshotBytesPerSecond: 100 * mib,
  snapshotChunkBytes: mib,
  maxEntryBytes: 8 * mib,
  // A key of 8 KiB behind a client's prefix.
  maxKeyBytes: 8 * kib + 16,
  maxValueBytes: 6 * mib,
  maxBatchOperations: 1024,
  mailboxCapacity: 16_384,
  maxMessagesPerLoop: 1024,
  maxPendingLogBytes: 16 * mib,
  maxPendingProposals: 8192,
  maxCommitWaitMs: 10_000,
  maxRegionSnapshots: 1024,
  regionSnapshotMaxAgeMs: 300_000,
  maxPendingReads: 8192,
  maxApplyQueueBytes: 64 * mib,
  maxApplyBatchBytes: 4 * mib,
  applySyncBytes: 32 * mib,
  entryCacheBytes: 8 * mib,
  maxRaftMessageBytes: mib,
  maxInflightMessages: 256,
  maxLeaderMissingMs: 600_000,
  maxPeerDownMs: 600_000,
  maxTransferLagEntries: 1024,
  allowUnsafeMemberChanges: false,
  minFreeDiskBytes: 128 * mib,
  diskCheckIntervalMs: 1_000,
  allowBlankSecondVoter: false,
  consistencyCheckIntervalMs: 0,
  maxConsistencyChecks: 4,
  stopOnInconsistency: false,
  slowWriteMs: 1_000,
  slowWriteWarningIntervalMs: 10_000,
  taskQueueCapacity: 4096,
  taskDeadlineMs: 600_000,
});

/** Short intervals, for tests on a simulated clock. */
export const testRaftStoreConfig: RaftStoreConfig = Object.freeze({
  ...defaultRaftStoreConfig,
  tickIntervalMs: 50,
  logGcIntervalMs: 50,
  splitCheckIntervalMs: 100,
  regionHeartbeatIntervalMs: 100,
  storeHeartbeatIntervalMs: 500,
  allowBlankSecondVoter: true,
});

/** A configuration that breaks its limits; `violations` names every field at once. */
export class RaftStoreConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('raftstore configuration', violations);
    this.name = 'RaftStoreConfigError';
  }
}

/**
 * Completes a partial configuration with the defaults, checks and freezes it.
 *
 * @throws {RaftStoreConfigError} with code `invalidConfig`.
 */
export function resolveRaftStoreConfig(partial: Partial<RaftStoreConfig> = {}): RaftStoreConfig {
  return checkConfig({ ...defaultRaftStoreConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new RaftStoreConfigError(violations);

/** Settings of which 0 means never. */
const mayBeZero: ReadonlySet<string> = new Set<keyof RaftStoreConfig>([
  'consistencyCheckIntervalMs',
  'minFreeDiskBytes',
  'hibernateAfterMs',
]);

function fieldViolation(name: string, value: unknown): string | undefined {
  if (!(name in defaultRaftStoreConfig)) return `${name} is not a setting`;
  if (typeof defaultRaftStoreConfig[name as keyof RaftStoreConfig] === 'boolean') {
    return typeof value === 'boolean' ? undefined : `${name} must be true or false, not ${String(value)}`;
  }
  const least = mayBeZero.has(name) ? 0 : 1;
  if (Number.isSafeInteger(value) && (value as number) >= least) return undefined;
  return `${name} must be a whole number of at least ${least}, not ${String(value)}`;
}

function violationsOf(config: RaftStoreConfig): string[] {
  const violations: string[] = [];
  for (const [name, value] of Object.entries(config) as [string, unknown][]) {
    const violation = fieldViolation(name, value);
    if (violation !== undefined) violations.push(violation);
  }
  if (config.electionTicks <= config.heartbeatTicks) {
    violations.push(`electionTicks (${config.electionTicks}) must exceed heartbeatTicks (${config.heartbeatTicks})`);
  }
  if (config.maxClockDriftPercent > 50) {
    violations.push(`maxClockDriftPercent (${config.maxClockDriftPercent}) must be at most 50`);
  }
  if (config.logGcMaxEntries < config.logGcThreshold) {
    violations.push(
      `logGcMaxEntries (${config.logGcMaxEntries}) must be at least logGcThreshold (${config.logGcThreshold})`,
    );
  }
  if (config.regionSplitBytes > config.regionMaxBytes) {
    violations.push(
      `regionSplitBytes (${config.regionSplitBytes}) must not exceed regionMaxBytes (${config.regionMaxBytes})`,
    );
  }
  if (config.maxKeyBytes + config.maxValueBytes > config.maxEntryBytes) {
    violations.push(`maxEntryBytes (${config.maxEntryBytes}) must hold a key and a value of the largest size`);
  }
  return violations;
}

/** Whole ticks, at least one, that cover `intervalMs`. */
export function ticksOf(config: RaftStoreConfig, intervalMs: number): number {
  return Math.max(1, Math.ceil(intervalMs / config.tickIntervalMs));
}
