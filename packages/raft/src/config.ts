import { ConfigError, checkConfig } from '@flotilla/runtime';

/** When a read may be answered: after a round of heartbeats, or on the strength of the leader's lease. */
export type ReadOnlyMode = 'safe' | 'leaseBased';

/** How one raft node behaves. Ticks are calls of `RawNode.tick`; the caller decides how long one is. */
export interface RaftConfig {
  /** This node's id; a safe integer ≥ 1, below the ids of the storage threads. */
  readonly id: number;
  /** Ticks without a leader before an election; each node draws from [electionTick, 2 · electionTick). */
  readonly electionTick: number;
  /** Ticks between heartbeats; less than `electionTick`. */
  readonly heartbeatTick: number;
  /** Index through which the caller has already applied the log; 0 for "as storage says". */
  readonly applied: number;
  /** Encoded bytes of the entries of one append message; a single larger entry is still sent. `Infinity` for no limit. */
  readonly maxSizePerMessage: number;
  /** Append messages to one follower that may be unacknowledged. */
  readonly maxInflightMessages: number;
  /** Payload bytes to one follower that may be unacknowledged. `Infinity` for no limit. */
  readonly maxInflightBytes: number;
  /** Payload bytes of a leader's uncommitted entries, above which proposals are dropped. `Infinity` for no limit. */
  readonly maxUncommittedEntriesSize: number;
  /** Encoded bytes of committed entries handed out and not acknowledged as applied. `Infinity` for no limit. */
  readonly maxCommittedSizePerReady: number;
  /** Reads that may wait for an answer; further ones are dropped. */
  readonly maxPendingReads: number;
  /** A leader steps down when it has not heard from a quorum for `electionTick`; followers of a live leader ignore campaigns. */
  readonly checkQuorum: boolean;
  /** Asks whether an election could be won before raising the term. Source: thesis 9.6. */
  readonly preVote: boolean;
  /**
   * `leaseBased` needs `checkQuorum`, and clocks whose rates differ little. It trades safety for latency: a leader that is
   * cut off right after a quorum check goes on until the next but one, up to twice `electionTick`, and may answer with old
   * data once another has been elected meanwhile. Linearizable reads need `safe`. Source: thesis 6.4.
   */
  readonly readOnly: ReadOnlyMode;
  /**
   * Every periodic heartbeat begins a round of its own, so that a caller with a clock can tell from `confirmedRound` how
   * lately a quorum has followed this leader, and hold a lease of its own.
   */
  readonly numberHeartbeats: boolean;
  /**
   * Ticks after the start in which votes are refused, except where the leader asked for the campaign. A node that is
   * restarted has forgotten that it heard from a leader, who may still rely on its silence towards others; 0 for a node
   * that never voted or followed anybody.
   */
  readonly quietStartTicks: number;
  /** Followers drop proposals rather than pass them to the leader. */
  readonly disableProposalForwarding: boolean;
  /** Lets a leader append changes of membership that do not fit the present one. For those who check elsewhere. */
  readonly disableConfChangeValidation: boolean;
  /** A leader that applies its own removal, or its demotion to learner, becomes a follower. */
  readonly stepDownOnRemoval: boolean;
  /** A leader tells a member that it is removed only once it has applied the removal itself; see `withholding.ts`. */
  readonly withholdRemovals: boolean;
  /** Storage work goes out as messages instead of through `Ready` and `advance`. */
  readonly asyncStorageWrites: boolean;
  /**
   * A leader sends what was proposed and committed when the next Ready is taken, one append to each follower for all of it,
   * rather than one for each proposal and each advance. For callers that step many messages before they take a Ready.
   */
  readonly batchAppends: boolean;
}

/** Everything but the id. A tick of 100 ms gives elections after 1–2 s. */
export const defaultRaftConfig: Omit<RaftConfig, 'id'> = Object.freeze({
  electionTick: 10,
  heartbeatTick: 2,
  applied: 0,
  maxSizePerMessage: 1024 * 1024,
  maxInflightMessages: 256,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  maxUncommittedEntriesSize: Number.POSITIVE_INFINITY,
  maxCommittedSizePerReady: Number.POSITIVE_INFINITY,
  maxPendingReads: 4096,
  checkQuorum: true,
  preVote: true,
  readOnly: 'safe',
  numberHeartbeats: false,
  quietStartTicks: 0,
  disableProposalForwarding: false,
  disableConfChangeValidation: false,
  stepDownOnRemoval: false,
  withholdRemovals: false,
  asyncStorageWrites: false,
  batchAppends: false,
});

/** A configuration that cannot be used; `violations` names every field that is wrong. */
export class RaftConfigError extends ConfigError {
  override readonly code = 'invalidRaftConfig';

  constructor(violations: readonly string[]) {
    super('invalid raft configuration', violations);
    this.name = 'RaftConfigError';
  }
}

/**
 * Fills in the defaults and freezes.
 *
 * @throws {RaftConfigError} naming every violation at once.
 */
export function resolveRaftConfig(partial: Partial<RaftConfig> & { readonly id: number }): RaftConfig {
  return checkConfig<RaftConfig>({ ...defaultRaftConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new RaftConfigError(violations);

function violationsOf(config: RaftConfig): string[] {
  const violations: string[] = [];
  const whole = (field: keyof RaftConfig, minimum: number, maximum: number): void => {
    const value = config[field];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum && value <= maximum) return;
    violations.push(`${field} is ${String(value)}, must be a whole number from ${minimum} to ${maximum}`);
  };
  const size = (field: keyof RaftConfig, minimum: number): void => {
    const value = config[field];
    if (value === Number.POSITIVE_INFINITY) return;
    whole(field, minimum, Number.MAX_SAFE_INTEGER);
  };
  whole('id', 1, Number.MAX_SAFE_INTEGER - 2);
  whole('heartbeatTick', 1, 1_000_000);
  whole('electionTick', 2, 1_000_000);
  whole('quietStartTicks', 0, 1_000_000);
  whole('applied', 0, Number.MAX_SAFE_INTEGER);
  whole('maxInflightMessages', 1, 2 ** 31 - 1);
  whole('maxPendingReads', 1, 2 ** 31 - 1);
  size('maxSizePerMessage', 0);
  size('maxInflightBytes', 1);
  size('maxUncommittedEntriesSize', 0);
  size('maxCommittedSizePerReady', 1);
  if (config.electionTick <= config.heartbeatTick) {
    violations.push(
      `electionTick is ${config.electionTick}, must be larger than heartbeatTick ${config.heartbeatTick}`,
    );
  }
  if (config.readOnly !== 'safe' && config.readOnly !== 'leaseBased') {
    violations.push(`readOnly is ${String(config.readOnly)}, must be 'safe' or 'leaseBased'`);
  }
  if (config.readOnly === 'leaseBased' && !config.checkQuorum) {
    violations.push('readOnly is leaseBased, which needs checkQuorum: without it there is no lease');
  }
  return violations;
}
