import { type Engine, openClassicLevelEngine } from '@flotilla/engine';
import type { Runtime } from '@flotilla/runtime';
import { defaultSchedulerConfig, type SchedulerConfig, SchedulerCore } from '@flotilla/scheduler';
import {
  createOperatorService,
  createSchedulerMetrics,
  createSchedulerService,
  defaultServerConfig,
  formatListenAddress,
  resolveServerConfig,
  type SchedulerMetrics,
  startGrpcServer,
  startHttpServer,
} from '@flotilla/server';
import type { SchedulerAppConfig } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import { toStartError } from './start-error.ts';

/** A scheduler that serves. */
export interface SchedulerServer {
  readonly core: SchedulerCore;
  /** Where it listens, with the real ports. */
  readonly listen: string;
  readonly http: string;
  readonly dataDir: string;
  /** Ends calls, writes what is unwritten and closes the database. May be called twice. */
  close(): Promise<void>;
}

/** Largest write buffer worth having: the data is small, and each change is synced anyway. */
const writeBufferBytes = 4 * 1024 * 1024;

/**
 * Starts a scheduler over its data directory.
 *
 * @throws {StartError}; whatever had been opened by then is closed again.
 */
export async function startSchedulerServer(config: SchedulerAppConfig, runtime: Runtime): Promise<SchedulerServer> {
  // In the order of opening; closed from the last to the first.
  const opened: { close(): Promise<unknown> }[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(opened);
    return closing;
  };
  const attempt = async <T>(doing: string, task: () => Promise<T>): Promise<T> => {
    try {
      return await task();
    } catch (error) {
      await close();
      throw toStartError(doing, error);
    }
  };
  const dataDir = await openDataDirectory(config.dataDir);
  const core = await attempt(`cannot use the data directory ${dataDir}`, async () => {
    const engine: Engine = await openClassicLevelEngine({ path: dataDir, writeBufferBytes });
    opened.push(engine);
    const opening = await SchedulerCore.open({ engine, runtime, config: coreConfigOf(config) });
    opened.push(opening);
    return opening;
  });
  const metrics = createSchedulerMetrics(core);
  const grpc = await attempt('cannot serve gRPC', () => serveGrpc(core, metrics, config, runtime));
  opened.push(grpc);
  const http = await attempt('cannot serve HTTP', () => serveHttp(core, metrics, config, runtime));
  opened.push(http);
  return {
    core,
    listen: formatListenAddress(grpc.address),
    http: formatListenAddress(http.address),
    dataDir,
    close,
  };
}

function coreConfigOf({ maxPeerCount, maxStoreDownMs }: SchedulerAppConfig): Partial<SchedulerConfig> {
  const { storeDisconnectedAfterMs, storeUnhealthyAfterMs } = defaultSchedulerConfig;
  return {
    maxPeerCount,
    storeDisconnectedAfterMs: Math.min(storeDisconnectedAfterMs, maxStoreDownMs),
    storeUnhealthyAfterMs: Math.min(storeUnhealthyAfterMs, maxStoreDownMs),
    storeDownAfterMs: maxStoreDownMs,
  };
}

function serveGrpc(core: SchedulerCore, metrics: SchedulerMetrics, config: SchedulerAppConfig, runtime: Runtime) {
  const context = {
    logger: runtime.logger,
    maxRequestBytes: defaultServerConfig.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: metrics.observe,
  };
  const member = { name: 'scheduler', clientUrls: [`http://${config.advertise ?? config.listen}`] };
  const services = [createSchedulerService({ core, context, member }), createOperatorService({ core, context })];
  const serverConfig = resolveServerConfig({ shutdownTimeoutMs: config.shutdownTimeoutMs });
  return startGrpcServer({ services, listen: config.listen, config: serverConfig, runtime });
}

function serveHttp(core: SchedulerCore, metrics: SchedulerMetrics, config: SchedulerAppConfig, runtime: Runtime) {
  const reasons = () => (core.status().isHealthy ? [] : ['the storage failed; a restart is needed']);
  return startHttpServer({
    listen: config.http,
    registry: metrics.registry,
    readiness: () => ({ isReady: core.status().isHealthy, reasons: reasons() }),
    status: () => core.status(),
    runtime,
  });
}

async function closeAll(opened: { close(): Promise<unknown> }[]): Promise<void> {
  for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last.close();
}
