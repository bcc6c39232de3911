import { createCoordinationMachine } from '@flotilla/coordination/machine';
import { metapb } from '@flotilla/protocol';
import { openRaftStore, type RaftStore, type RaftStoreConfig } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import {
  type CallObserver,
  createAdminService,
  createCommandService,
  createMachineService,
  createRawBatchService,
  createTinyKvService,
  defaultServerConfig,
  defaultTransportConfig,
  GrpcTransport,
  registerStoreMetrics,
  startGrpcServer,
} from '@flotilla/server';
import type { Registry } from 'prom-client';
import type { CleanupStack } from './cleanup-stack.ts';
import type { StorageNodeConfig } from './config.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Databases } from './databases.ts';
import { toNodeError } from './node-error.ts';

/** A store that serves. */
export interface ServingStore {
  readonly store: RaftStore;
  /** The store as it is known to the scheduler. */
  readonly description: metapb.Store;
  /** Unix time in milliseconds. */
  readonly startTimeMs: number;
  /** Resolves when the store had to stop by itself, with the reason. */
  readonly failed: Promise<Error>;
}

/** What a store is opened on. */
export interface StoreParts {
  readonly config: StorageNodeConfig;
  readonly runtime: Runtime;
  readonly cleanup: CleanupStack;
  readonly directory: DataDirectory;
  readonly databases: Databases;
  /** Where its gRPC server will listen, with the real port. */
  readonly listen: string;
  readonly scheduler: SchedulerClient;
  readonly registry: Registry;
  readonly observe: CallObserver;
  readonly version: string;
  /** Gives up waiting for the scheduler. */
  readonly signal: AbortSignal;
}

/**
 * Opens the store, which joins or makes its cluster, and serves it.
 *
 * @throws {NodeError}; rejects with the signal's reason when it aborts first.
 */
export async function openStore(parts: StoreParts): Promise<ServingStore> {
  const { config, runtime, cleanup, directory, databases, scheduler, signal } = parts;
  const transport = new GrpcTransport({
    clusterId: scheduler.clusterId,
    resolve: async (storeId, lookup) => (await scheduler.getStore(storeId, lookup))?.address,
    config: defaultTransportConfig,
    runtime,
  });
  cleanup.push('the transport', () => transport.close());
  const address = config.advertise ?? parts.listen;
  const startTimeMs = runtime.clock.wallMs();
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  let store: RaftStore;
  try {
    store = await openRaftStore({
      runtime,
      config: raftStoreConfigOf(config),
      kvEngine: databases.kv,
      raftEngine: databases.raft,
      transport,
      schedulerClient: scheduler,
      storeAddress: address,
      snapshotDirectory: directory.snapshotPath,
      machines: config.coordination === 'on' ? [createCoordinationMachine()] : [],
      onFatal: fail,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw toNodeError(`cannot open the store in ${directory.path}`, error);
  }
  cleanup.push('the store', () => store.close());
  const description = metapb.Store.create({ id: store.storeId, address });
  registerStoreMetrics(parts.registry, store);
  await serve(parts, store, description, startTimeMs);
  return { store, description, startTimeMs, failed };
}

async function serve(
  { runtime, cleanup, listen, observe, version }: StoreParts,
  store: RaftStore,
  description: metapb.Store,
  startTimeMs: number,
): Promise<void> {
  const common = { store, config: defaultServerConfig, runtime, observe };
  const services = [
    createTinyKvService(common),
    createRawBatchService(common),
    createCommandService(common),
    createMachineService(common),
    createAdminService({ ...common, describe: () => description, startTimeMs, version }),
  ];
  try {
    const server = await startGrpcServer({ services, listen, config: defaultServerConfig, runtime });
    cleanup.push('the gRPC server', () => server.close());
  } catch (error) {
    throw toNodeError('cannot serve gRPC', error);
  }
}

function raftStoreConfigOf(config: StorageNodeConfig): Partial<RaftStoreConfig> {
  const { maxKeyBytes, maxValueBytes } = defaultServerConfig;
  return {
    tickIntervalMs: config.tickIntervalMs,
    electionTicks: config.electionTicks,
    heartbeatTicks: config.heartbeatTicks,
    logGcIntervalMs: config.logGcIntervalMs,
    logGcThreshold: config.logGcThreshold,
    logGcMaxEntries: config.logGcMaxEntries,
    regionMaxBytes: config.regionMaxBytes,
    regionSplitBytes: config.regionSplitBytes,
    splitCheckIntervalMs: config.splitCheckIntervalMs,
    regionHeartbeatIntervalMs: config.regionHeartbeatIntervalMs,
    hibernateAfterMs: config.hibernateAfterMs,
    idleRegionHeartbeatIntervalMs: config.idleRegionHeartbeatIntervalMs,
    storeHeartbeatIntervalMs: config.storeHeartbeatIntervalMs,
    maxKeyBytes,
    maxValueBytes,
  };
}
