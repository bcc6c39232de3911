import { openClassicLevelEngine } from '@flotilla/engine';
import type { Runtime } from '@flotilla/runtime';
import { LocalSchedulerClient, SchedulerCore } from '@flotilla/scheduler';
import { type SchedulerClient, ThreadSchedulerClient } from '@flotilla/scheduler-client';
import {
  type CallObserver,
  createOperatorService,
  createSchedulerService,
  defaultServerConfig,
  formatListenAddress,
  startGrpcServer,
} from '@flotilla/server';
import type { CleanupStack } from './cleanup-stack.ts';
import type { StorageNodeConfig } from './config.ts';
import type { DataDirectory } from './data-directory.ts';
import { toNodeError } from './node-error.ts';

/** A node's way to its cluster's scheduler. */
export interface SchedulerLink {
  readonly client: SchedulerClient;
  /** Where the command line reaches the scheduler too. */
  readonly address: string;
  readonly isInside: boolean;
}

/** What linking to a scheduler needs. */
export interface SchedulerLinkOptions {
  readonly config: StorageNodeConfig;
  readonly directory: DataDirectory;
  readonly runtime: Runtime;
  readonly cleanup: CleanupStack;
  readonly observe: CallObserver;
  readonly signal: AbortSignal;
}

/**
 * Reaches the configured scheduler, however long that takes, or runs one inside.
 *
 * @throws {NodeError}; rejects with the signal's reason when it aborts first.
 */
export function linkScheduler(options: SchedulerLinkOptions): Promise<SchedulerLink> {
  const { scheduler } = options.config;
  return scheduler === undefined ? runScheduler(options) : reachScheduler(scheduler, options);
}

async function runScheduler(options: SchedulerLinkOptions): Promise<SchedulerLink> {
  const { config, directory, runtime, cleanup, observe } = options;
  try {
    const engine = await openClassicLevelEngine({ path: directory.schedulerPath });
    cleanup.push("the scheduler's database", () => engine.close());
    const core = await SchedulerCore.open({ engine, runtime, config: { maxPeerCount: config.maxPeerCount } });
    cleanup.push('the scheduler', () => core.close());
    const context = {
      logger: runtime.logger,
      maxRequestBytes: defaultServerConfig.maxRequestBytes,
      nowMs: () => runtime.clock.monotonicMs(),
      observe,
    };
    const member = { name: 'embedded', clientUrls: [`http://${config.schedulerListen}`] };
    const server = await startGrpcServer({
      services: [createSchedulerService({ core, context, member }), createOperatorService({ core, context })],
      listen: config.schedulerListen,
      config: defaultServerConfig,
      runtime,
    });
    cleanup.push("the scheduler's server", () => server.close());
    const client = new LocalSchedulerClient(core, runtime.timers);
    cleanup.push("the scheduler's client", () => client.close());
    return { client, address: formatListenAddress(server.address), isInside: true };
  } catch (error) {
    throw toNodeError('cannot run the scheduler inside this node', error);
  }
}

/** How often a node that waits for its scheduler says so. */
const reachTimeoutMs = 5_000;

/** A node may well be started before its scheduler: it waits, and says so. */
async function reachScheduler(address: string, options: SchedulerLinkOptions): Promise<SchedulerLink> {
  const { runtime, cleanup, signal } = options;
  runtime.logger.info('connecting to the scheduler', { scheduler: address });
  try {
    const client = await ThreadSchedulerClient.connect({
      endpoints: [address],
      runtime,
      signal,
      config: { connectTimeoutMs: reachTimeoutMs },
      onUnreached: () => runtime.logger.warn('still waiting for the scheduler', { scheduler: address }),
    });
    cleanup.push("the scheduler's client", () => client.close());
    return { client, address, isInside: false };
  } catch (error) {
    signal.throwIfAborted();
    throw toNodeError(`cannot use the scheduler at ${address}`, error);
  }
}
