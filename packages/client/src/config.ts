import { ConfigError, checkConfig, wholeNumberViolations } from '@flotilla/runtime';
import { rawKeyPrefix } from './key-space.ts';

/** Who answers reads: the region's leader, or any replica in turn, which asks its leader how far it has to have applied. */
export type ReadPreference = 'leader' | 'any';

/** How the client behaves. Sizes are in bytes, times in milliseconds. */
export interface RawClientConfig {
  /** The longest key; a longer one is refused before it is sent. */
  readonly maxKeyBytes: number;
  /** The longest value; a longer one is refused before it is sent. */
  readonly maxValueBytes: number;
  /** The whole time of a call, retries included, unless the call brings its own. */
  readonly requestTimeoutMs: number;
  /** The time of one attempt of a read, after which another peer is asked. A write waits: giving up would leave its outcome unknown. */
  readonly attemptTimeoutMs: number;
  /** A subscription to a state machine that brings nothing for this long is broken off; machines bring something more often. */
  readonly streamSilenceMs: number;
  /** How long a connection may take to be made. */
  readonly connectTimeoutMs: number;
  /** The first pause before a retry; doubles with each retry, and is shortened by up to half by chance. */
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** Attempts of one call. */
  readonly maxAttempts: number;
  /** Calls of one `getMany` under way at once. */
  readonly batchConcurrency: number;
  /** Batches of one `putMany` or `deleteMany` under way at once. */
  readonly writeBatchConcurrency: number;
  /** The most writes of one batch; a store takes no more than 1,024. */
  readonly maxBatchWrites: number;
  /** The most bytes of keys and values in one batch, roughly; a single larger write goes alone. */
  readonly maxBatchBytes: number;
  /** A batch that is not full is sent when its input has brought nothing for this long. */
  readonly batchLingerMs: number;
  /** Pairs that one request of a scan asks for. */
  readonly scanPagePairs: number;
  /** Regions that the cache holds; when there would be more, it starts afresh. */
  readonly maxCachedRegions: number;
  /** Regions that one look-up at the scheduler asks for. */
  readonly regionsPerLookup: number;
  /** How often an idle connection is probed, and how long the answer may take before the connection counts as dead. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /**
   * Whether a write of unknown outcome is sent again; false unless asked for. Only for writers whose records are idempotent and
   * who alone write their keys: the earlier copy may take effect late, after another write to the same key.
   */
  readonly retryUnknownWrites: boolean;
  /**
   * Who answers reads, which are linearizable in either case. `any` spreads them over the replicas, and costs each a message
   * to the leader and back; one that fails is repeated at the leader.
   */
  readonly readPreference: ReadPreference;
  /**
   * What stands before each key in the cluster, so that users' keys and those of others do not meet; plain ASCII, up to 16
   * characters. All clients of the same keys need the same. Empty: the client sees the cluster's keys as they are.
   */
  readonly keyPrefix: string;
}

/** Values for a cluster on one network. */
export const defaultRawClientConfig: RawClientConfig = Object.freeze({
  maxKeyBytes: 8 * 1024,
  maxValueBytes: 6 * 1024 * 1024,
  requestTimeoutMs: 20_000,
  attemptTimeoutMs: 3_000,
  streamSilenceMs: 8_000,
  connectTimeoutMs: 2_000,
  retryInitialMs: 10,
  retryMaxMs: 1_000,
  maxAttempts: 200,
  batchConcurrency: 64,
  writeBatchConcurrency: 8,
  maxBatchWrites: 1_024,
  maxBatchBytes: 1024 * 1024,
  batchLingerMs: 2,
  scanPagePairs: 1_024,
  maxCachedRegions: 100_000,
  regionsPerLookup: 32,
  keepaliveTimeMs: 5_000,
  keepaliveTimeoutMs: 3_000,
  retryUnknownWrites: false,
  readPreference: 'leader',
  keyPrefix: rawKeyPrefix,
});

/** Short pauses and small pages; keys as they are. */
export const testRawClientConfig: RawClientConfig = Object.freeze({
  ...defaultRawClientConfig,
  requestTimeoutMs: 5_000,
  attemptTimeoutMs: 100,
  connectTimeoutMs: 500,
  retryInitialMs: 1,
  retryMaxMs: 10,
  scanPagePairs: 4,
  regionsPerLookup: 2,
  batchConcurrency: 4,
  writeBatchConcurrency: 4,
  maxBatchWrites: 4,
  keyPrefix: '',
});

/** A configuration that cannot be used, with every reason at once. */
export class RawClientConfigError extends ConfigError {
  constructor(violations: readonly string[]) {
    super('invalid client configuration', violations);
    this.name = 'RawClientConfigError';
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {RawClientConfigError} with code `invalidConfig` that names every violation.
 */
export function resolveRawClientConfig(partial: Partial<RawClientConfig> = {}): RawClientConfig {
  return checkConfig({ ...defaultRawClientConfig, ...partial }, { violationsOf, refuse });
}

const refuse = (violations: readonly string[]) => new RawClientConfigError(violations);

function violationsOf({ keyPrefix, readPreference, retryUnknownWrites, ...numbers }: RawClientConfig): string[] {
  const violations = wholeNumberViolations(numbers);
  if (typeof retryUnknownWrites !== 'boolean') violations.push('retryUnknownWrites: must be true or false');
  if (readPreference !== 'leader' && readPreference !== 'any') {
    violations.push("readPreference: must be 'leader' or 'any'");
  }
  if (typeof keyPrefix !== 'string' || !/^[\x21-\x7d]{0,16}$/.test(keyPrefix)) {
    violations.push('keyPrefix: must be up to 16 characters of plain ASCII');
  }
  if (numbers.retryMaxMs < numbers.retryInitialMs) violations.push('retryMaxMs: must be at least retryInitialMs');
  return violations;
}
