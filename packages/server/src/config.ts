import { ConfigError, checkConfig, wholeNumberViolations } from '@flotilla/runtime';

/** What a store's servers accept and how they behave. Sizes are in bytes, times in milliseconds. */
export interface ServerConfig {
  /** The longest key of a raw request; clients put up to 16 bytes before those of their users. */
  readonly maxKeyBytes: number;
  /** The longest value of a raw request. */
  readonly maxValueBytes: number;
  /** The longest request of a client, encoded; covers key, value and what surrounds them. */
  readonly maxRequestBytes: number;
  /** The most writes of one batch; the store refuses more than its own `maxBatchOperations`. */
  readonly maxBatchWrites: number;
  /** The most pairs that one scan may ask for. */
  readonly maxScanPairs: number;
  /** A scan ends after the pair with which its keys and values reach this. */
  readonly maxScanBytes: number;
  /** The longest message of any kind; a longer one is refused before it is read. Holds a raft message with one largest entry. */
  readonly maxMessageBytes: number;
  /** Streams, that is calls under way, on one connection. */
  readonly maxConcurrentStreams: number;
  /** Commands of one stream that may be under way; then the stream is read no further. A batch is taken whole. */
  readonly maxStreamedCommands: number;
  /** Subscriptions to state machines that may be open at once. */
  readonly maxSubscriptions: number;
  /** How long a shutdown waits for calls under way before it cuts them off. */
  readonly shutdownTimeoutMs: number;
  /** A snapshot stream that brings nothing for this long is given up. */
  readonly snapshotIdleTimeoutMs: number;
}

/** The limits that clients are promised. */
export const defaultServerConfig: ServerConfig = Object.freeze({
  maxKeyBytes: 8 * 1024 + 16,
  maxValueBytes: 6 * 1024 * 1024,
  maxRequestBytes: 8 * 1024 * 1024,
  maxBatchWrites: 1_024,
  maxScanPairs: 10_240,
  maxScanBytes: 8 * 1024 * 1024,
  maxMessageBytes: 16 * 1024 * 1024,
  maxConcurrentStreams: 1_024,
  maxStreamedCommands: 4_096,
  maxSubscriptions: 8_192,
  shutdownTimeoutMs: 5_000,
  snapshotIdleTimeoutMs: 30_000,
});

/** Limits small enough to be crossed quickly. */
export const testServerConfig: ServerConfig = Object.freeze({
  ...defaultServerConfig,
  maxKeyBytes: 64,
  maxValueBytes: 4_096,
  maxRequestBytes: 8_192,
  maxBatchWrites: 16,
  maxScanPairs: 100,
  maxScanBytes: 8_192,
  maxMessageBytes: 65_536,
  shutdownTimeoutMs: 1_000,
  snapshotIdleTimeoutMs: 1_000,
});

/** How a store talks to the other stores. Sizes are in bytes, times in milliseconds. */
export interface TransportConfig {
  /** Messages that may wait for one store; one more is refused with `full`. */
  readonly maxQueuedMessages: number;
  /** Bytes of entries that may wait for one store; a single larger message still passes when nothing else waits. */
  readonly maxQueuedBytes: number;
  /** The first pause before a lost connection is tried again; doubles with each failure, and is shortened by up to half by chance. */
  readonly reconnectInitialMs: number;
  readonly reconnectMaxMs: number;
  /** How long an address may take to resolve. */
  readonly resolveTimeoutMs: number;
  /** How often an idle connection is probed, and how long the answer may take before the connection counts as dead. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Snapshot files travel in chunks of this size. */
  readonly snapshotChunkBytes: number;
  /** How long one snapshot may take altogether. */
  readonly snapshotTimeoutMs: number;
}

/** Values for stores on one network. */
export const defaultTransportConfig: TransportConfig = Object.freeze({
  maxQueuedMessages: 8_192,
  maxQueuedBytes: 64 * 1024 * 1024,
  reconnectInitialMs: 100,
  reconnectMaxMs: 1_000,
  resolveTimeoutMs: 3_000,
  keepaliveTimeMs: 5_000,
  keepaliveTimeoutMs: 3_000,
  snapshotChunkBytes: 1024 * 1024,
  snapshotTimeoutMs: 600_000,
});

/** Short pauses and small queues. */
export const testTransportConfig: TransportConfig = Object.freeze({
  ...defaultTransportConfig,
  maxQueuedMessages: 16,
  maxQueuedBytes: 65_536,
  reconnectInitialMs: 5,
  reconnectMaxMs: 20,
  snapshotChunkBytes: 1_024,
  snapshotTimeoutMs: 10_000,
});

/** A configuration that cannot be used, with every reason at once. */
export class ServerConfigError extends ConfigError {
  constructor(what: string, violations: readonly string[]) {
    super(`invalid ${what} configuration`, violations);
    this.name = 'ServerConfigError';
  }
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {ServerConfigError} with code `invalidConfig` that names every violation.
 */
export function resolveServerConfig(partial: Partial<ServerConfig> = {}): ServerConfig {
  return checkConfig(
    { ...defaultServerConfig, ...partial },
    { violationsOf: serverViolations, refuse: (violations) => new ServerConfigError('server', violations) },
  );
}

function serverViolations(config: ServerConfig): string[] {
  const violations = wholeNumberViolations(config);
  if (config.maxRequestBytes < config.maxKeyBytes + config.maxValueBytes) {
    violations.push('maxRequestBytes: must hold the largest key with the largest value');
  }
  if (config.maxMessageBytes < config.maxRequestBytes) {
    violations.push('maxMessageBytes: must be at least maxRequestBytes');
  }
  return violations;
}

/**
 * Completes a configuration with the defaults and freezes it.
 *
 * @throws {ServerConfigError} with code `invalidConfig` that names every violation.
 */
export function resolveTransportConfig(partial: Partial<TransportConfig> = {}): TransportConfig {
  return checkConfig(
    { ...defaultTransportConfig, ...partial },
    { violationsOf: transportViolations, refuse: (violations) => new ServerConfigError('transport', violations) },
  );
}

function transportViolations(config: TransportConfig): string[] {
  const violations = wholeNumberViolations(config);
  if (config.reconnectMaxMs < config.reconnectInitialMs) {
    violations.push('reconnectMaxMs: must be at least reconnectInitialMs');
  }
  return violations;
}
