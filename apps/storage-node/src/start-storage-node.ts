import { createRawClient } from '@flotilla/client';
import type { Runtime } from '@flotilla/runtime';
import {
  createLocalStore,
  defaultServerConfig,
  formatListenAddress,
  type HttpServer,
  registerCallMetrics,
  startHttpServer,
  storeStatus,
} from '@flotilla/server';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { CleanupStack } from './cleanup-stack.ts';
import type { StorageNodeConfig } from './config.ts';
import { checkCluster, openDataDirectory, recordIdentity } from './data-directory.ts';
import { openDatabases } from './databases.ts';
import { findListenAddress } from './listen-probe.ts';
import { type NodeError, toNodeError } from './node-error.ts';
import { ReadinessProbe } from './readiness-probe.ts';
import { linkScheduler, type SchedulerLink } from './scheduler-link.ts';
import type { StorageNode } from './storage-node.ts';
import { openStore, type ServingStore } from './store.ts';

/** What a start needs beside configuration and runtime. */
export interface StartOptions {
  /** Version of the program, told to whoever asks for the store's status. */
  readonly version: string;
  /** Gives up starting. */
  readonly signal?: AbortSignal | undefined;
}

/** A node on its way up: what is open so far. */
interface StartContext extends Required<StartOptions> {
  readonly config: StorageNodeConfig;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly cleanup: CleanupStack;
  readonly probe: ReadinessProbe;
  readonly registry: Registry;
}

/**
 * Starts a storage node: its directory, its databases, its way to the scheduler, its store, its servers. Nothing of the
 * process is touched, so that a program or a test may run several.
 *
 * @throws {NodeError}; what had been opened by then is closed again. Rejects with the signal's reason when it aborts.
 */
export async function startStorageNode(
  config: StorageNodeConfig,
  runtime: Runtime,
  options: StartOptions,
): Promise<StorageNode> {
  const context: StartContext = {
    config,
    runtime,
    version: options.version,
    signal: options.signal ?? new AbortController().signal,
    cleanup: new CleanupStack((name, error) => runtime.logger.error(`${name} could not be closed`, { error })),
    probe: new ReadinessProbe(),
    registry: new Registry(),
  };
  try {
    return await start(context);
  } catch (error) {
    await context.cleanup.run();
    context.signal.throwIfAborted();
    throw toNodeError('the node cannot start', error);
  }
}

async function start(context: StartContext): Promise<StorageNode> {
  const { config, runtime, cleanup, registry, probe } = context;
  collectDefaultMetrics({ register: registry });
  cleanup.push('the metrics', () => registry.clear());
  const observe = registerCallMetrics(registry);
  const directory = await openDataDirectory(config.dataDir);
  const databases = await openDatabases(directory, cleanup);
  const listen = await attempt('cannot serve gRPC', findListenAddress(config.listen, runtime));
  const opened: { store?: ServingStore } = {};
  const http = await attempt(
    'cannot serve HTTP',
    serveHttp(context, () => opened.store),
  );
  cleanup.push('the HTTP server', () => http.close());
  const link = await linkScheduler({ ...context, directory, observe });
  checkCluster(directory, link.client.clusterId);
  const serving = await openStore({ ...context, directory, databases, listen, scheduler: link.client, observe });
  opened.store = serving;
  const { clusterId, storeId } = serving.store;
  await recordIdentity(directory, { clusterId, storeId });
  probe.watch(serving.store);
  probe.phase = 'serving';
  return storageNode(context, serving, link, { grpc: listen, http: formatListenAddress(http.address) });
}

function storageNode(
  context: StartContext,
  { store, failed }: ServingStore,
  link: SchedulerLink,
  addresses: { readonly grpc: string; readonly http: string },
): StorageNode {
  const { probe, runtime } = context;
  const localStore = createLocalStore(store, defaultServerConfig);
  let closing: Promise<void> | undefined;
  return {
    clusterId: store.clusterId,
    storeId: store.storeId,
    addresses: { ...addresses, scheduler: link.address },
    hasScheduler: link.isInside,
    store,
    createClient: (clientConfig = {}) =>
      createRawClient({ schedulerClient: link.client, runtime, config: clientConfig, localStore }),
    readiness: () => probe.read(),
    failed: failed.then((error): NodeError => {
      probe.phase = 'failed';
      return toNodeError('the store has stopped', error);
    }),
    close() {
      closing ??= stop(context, store);
      return closing;
    },
  };
}

/** Leadership first, so that the cluster need not wait for an election; then no new calls; then what they stood on. */
async function stop({ config, runtime, cleanup, probe }: StartContext, store: ServingStore['store']): Promise<void> {
  const hasFailed = probe.phase === 'failed';
  probe.phase = 'stopping';
  if (!hasFailed && config.shutdownTimeoutMs > 0) {
    const deadline = new AbortController();
    const timer = runtime.timers.after(config.shutdownTimeoutMs, () => deadline.abort());
    await store.transferLeadershipAway(deadline.signal);
    timer.cancel();
  }
  await cleanup.run();
}

function serveHttp(context: StartContext, opened: () => ServingStore | undefined): Promise<HttpServer> {
  const { config, runtime, registry, probe, version } = context;
  return startHttpServer({
    listen: config.http,
    registry,
    readiness: () => probe.read(),
    status: () => {
      const serving = opened();
      if (serving === undefined) return { phase: probe.phase, version };
      const { store, description, startTimeMs } = serving;
      return {
        phase: probe.phase,
        ...storeStatus({ store, describe: () => description, startTimeMs, version }),
        metrics: store.metrics(),
      };
    },
    runtime,
  });
}

async function attempt<T>(doing: string, task: Promise<T>): Promise<T> {
  try {
    return await task;
  } catch (error) {
    throw toNodeError(doing, error);
  }
}
