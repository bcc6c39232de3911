import type { Logger, Runtime } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { ValidationError } from '../coordination-error.ts';
import { connectEmbedded, openEmbeddedCoordination } from '../embedded/embedded-coordination.ts';
import { openEtcdBackend } from '../etcd/etcd-backend.ts';
import type { CoordinationConfig } from './config.ts';

/** Where a coordinator's data are, unless `endpoints` names an etcd cluster; at most one of them, and in memory without any. */
export interface BackendChoice {
  /** A directory of a node in this process, which no other process uses meanwhile. */
  readonly dataDirectory?: string | undefined;
  /** A cluster of storage nodes, by its schedulers, `host:port` each. */
  readonly cluster?: { readonly schedulers: readonly string[] } | undefined;
  /** What was opened elsewhere; it stays open when the coordinator is closed. */
  readonly backend?: CoordinationBackend | undefined;
}

/** A backend, and whether whoever opened it here has to close it. */
export interface OpenedBackend {
  readonly backend: CoordinationBackend;
  readonly isOwn: boolean;
}

/**
 * Opens the backend that the configuration and the choice name.
 *
 * @throws {ValidationError} when they name more than one; {BackendError} when it cannot be opened.
 */
export async function openBackend(
  config: CoordinationConfig,
  choice: BackendChoice,
  runtime: Runtime,
): Promise<OpenedBackend> {
  checkChoice(config, choice);
  const { backend } = choice;
  return backend === undefined
    ? { backend: await openOwn(config, choice, runtime), isOwn: true }
    : { backend, isOwn: false };
}

function checkChoice({ endpoints }: CoordinationConfig, choice: BackendChoice): void {
  const { dataDirectory, cluster, backend } = choice;
  const given = { endpoints: endpoints.length > 0 || undefined, dataDirectory, cluster, backend };
  const places = Object.entries(given).flatMap(([name, place]) => (place === undefined ? [] : [name]));
  if (places.length > 1) throw new ValidationError(`${places.join(', ')}: at most one of them can be given`);
  if (cluster?.schedulers.length === 0) throw new ValidationError('cluster.schedulers: must name at least one');
}

async function openOwn(
  { endpoints, username, password, tls, dialTimeoutMs }: CoordinationConfig,
  { dataDirectory, cluster }: BackendChoice,
  runtime: Runtime,
): Promise<CoordinationBackend> {
  if (endpoints.length > 0) return openEtcdBackend({ endpoints, username, password, tls, dialTimeoutMs, runtime });
  if (cluster !== undefined) return connectInTime(cluster.schedulers, dialTimeoutMs, runtime);
  const inside = { ...runtime, logger: quieter(runtime.logger) };
  return openEmbeddedCoordination({
    runtime: inside,
    ...(dataDirectory === undefined ? { memory: true } : { dataDirectory }),
  });
}

async function connectInTime(
  schedulers: readonly string[],
  dialTimeoutMs: number,
  runtime: Runtime,
): Promise<CoordinationBackend> {
  const controller = new AbortController();
  const timer = runtime.timers.after(dialTimeoutMs, () => controller.abort());
  try {
    return await connectEmbedded({ schedulers, runtime, signal: controller.signal });
  } catch (cause) {
    if (!controller.signal.aborted) throw cause;
    const where = schedulers.join(', ');
    throw new BackendError('unavailable', `no cluster answered at ${where} within ${dialTimeoutMs} ms`, { cause });
  } finally {
    timer.cancel();
  }
}

/** What a node says in passing, such as who leads, is no news to a program that has it inside. */
function quieter(logger: Logger): Logger {
  return {
    trace: (message, fields) => logger.trace(message, fields),
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.debug(message, fields),
    warn: (message, fields) => logger.warn(message, fields),
    error: (message, fields) => logger.error(message, fields),
    fatal: (message, fields) => logger.fatal(message, fields),
    child: (fields) => quieter(logger.child(fields)),
    isEnabled: (level) => logger.isEnabled(level === 'info' ? 'debug' : level),
  };
}
