import { createPinoLogger, createSystemRuntime, type Runtime } from '@flotilla/runtime';
import { trace } from '@opentelemetry/api';
import type { Registry } from 'prom-client';
import type { CallOptions, CoordinationBackend } from '../backend/coordination-backend.ts';
import { ConfigCenter, type ConfigCenterOptions } from '../config-center/config-center.ts';
import { ClosedError, withCoordinationErrors } from '../coordination-error.ts';
import { DistributedLock } from '../lock/distributed-lock.ts';
import { Election } from '../lock/election.ts';
import { createServiceRegistry } from '../registry/backend-service-registry.ts';
import type { ServiceRegistry } from '../registry/service-registry.ts';
import { CallObserver } from './call-observer.ts';
import { type CoordinationConfig, type PartialCoordinationConfig, resolveCoordinationConfig } from './config.ts';
import { CoordinationMetrics } from './coordination-metrics.ts';
import { ObservedBackend } from './observed-backend.ts';
import { observeMethods } from './observed-methods.ts';
import { type BackendChoice, openBackend } from './open-backend.ts';
import { RetryPolicy } from './retry-policy.ts';

/** What a coordinator is made with: any field of its configuration, where its data are, and what it works with. */
export interface CoordinatorOptions
  extends PartialCoordinationConfig,
    BackendChoice,
    Pick<ConfigCenterOptions, 'schemas' | 'encryptionKeys'> {
  /** Clock, timers, chance and log; those of this process unless given, with a log of `logLevel` on standard error. */
  readonly runtime?: Runtime | undefined;
  /** Where metrics are registered, if they are enabled; a registry of its own unless given. */
  readonly metricsRegistry?: Registry | undefined;
}

/**
 * Service registry, locks and configuration over one backend.
 *
 * Without any option it is embedded: a node in this process that keeps its data in memory. `dataDirectory` keeps them on disk,
 * `endpoints` uses an etcd cluster, `cluster` a cluster of storage nodes, and `backend` what was opened elsewhere. Only the last
 * stays open when the coordinator is closed; an open coordinator keeps its process alive.
 *
 * @throws {CoordinationConfigError} with code `invalidConfig`; {CoordinationError} when the backend cannot be opened.
 */
export async function create(options: CoordinatorOptions = {}): Promise<Coordinator> {
  const config = resolveCoordinationConfig(options);
  const runtime = options.runtime ?? systemRuntime(config);
  const opened = await withCoordinationErrors('opening the backend', () => openBackend(config, options, runtime));
  return new Coordinator({ config, runtime, options, ...opened });
}

function systemRuntime({ logLevel }: CoordinationConfig): Runtime {
  // Standard output is the application's.
  const destination = { write: (line: string) => process.stderr.write(line) };
  return createSystemRuntime({ logger: createPinoLogger({ level: logLevel, pretty: false, destination }) });
}

interface CoordinatorParts {
  readonly config: CoordinationConfig;
  readonly runtime: Runtime;
  readonly options: CoordinatorOptions;
  readonly backend: CoordinationBackend;
  /** Whether the backend is closed with the coordinator. */
  readonly isOwn: boolean;
}

/** Registry, locks and configuration of one backend; made by `create`. */
export class Coordinator implements AsyncDisposable {
  readonly config: CoordinationConfig;
  /** The backend that everything works on; its calls are observed and tried again as the configuration says. */
  readonly backend: CoordinationBackend;
  /** Where the metrics are, if they are enabled. */
  readonly metrics: Registry | undefined;
  readonly #parts: CoordinatorParts;
  readonly #observer: CallObserver;
  #registry: { readonly inner: ServiceRegistry; readonly outer: ServiceRegistry } | undefined;
  #locks: { readonly inner: DistributedLock; readonly outer: DistributedLock } | undefined;
  readonly #elections = new Set<Election>();
  #configCenter: ConfigCenter | undefined;
  #closed: Promise<void> | undefined;

  /** For `create`. */
  constructor(parts: CoordinatorParts) {
    const { config, runtime, options } = parts;
    this.config = config;
    this.#parts = parts;
    const metrics = config.enableMetrics ? new CoordinationMetrics(options.metricsRegistry) : undefined;
    this.metrics = metrics?.registry;
    this.#observer = new CallObserver({
      clock: runtime.clock,
      logger: runtime.logger,
      metrics,
      tracer: config.enableTracing ? trace.getTracer('@flotilla/coordination') : undefined,
    });
    this.backend = new ObservedBackend(parts.backend, {
      clock: runtime.clock,
      observer: this.#observer,
      retry: new RetryPolicy(config.retry, runtime),
    });
    runtime.logger.debug('a coordinator was made', { backend: parts.backend.name });
  }

  /** Services and their instances. */
  serviceRegistry(): ServiceRegistry {
    this.#checkOpen();
    if (this.#registry === undefined) {
      const inner = createServiceRegistry({
        backend: this.backend,
        runtime: this.#parts.runtime,
        config: this.config.serviceRegistry,
      });
      const calls = ['register', 'deregister', 'updateHealth', 'setDraining', 'discover', 'get', 'names'] as const;
      this.#registry = { inner, outer: this.#observed(inner, 'serviceRegistry', [...calls, 'getConnection']) };
    }
    return this.#registry.outer;
  }

  /** Locks that exclude each other across processes. */
  lock(): DistributedLock {
    this.#checkOpen();
    if (this.#locks === undefined) {
      const inner = new DistributedLock({
        backend: this.backend,
        runtime: this.#parts.runtime,
        ...this.config.distributedLock,
      });
      const calls = ['acquire', 'tryAcquire', 'acquireReentrant', 'acquireReadLock', 'acquireWriteLock'] as const;
      this.#locks = { inner, outer: this.#observed(inner, 'lock', calls) };
    }
    return this.#locks.outer;
  }

  /** Values with versions, history and streams of changes. */
  configCenter(): ConfigCenter {
    this.#checkOpen();
    if (this.#configCenter === undefined) {
      const { runtime, options } = this.#parts;
      const { schemas, encryptionKeys } = options;
      const inner = ConfigCenter.open({
        backend: this.backend,
        clock: runtime.clock,
        config: this.config.configCenter,
        schemas,
        encryptionKeys,
      });
      const reads = ['get', 'list', 'getVersion', 'getHistory', 'getHistoryVersion', 'diff'] as const;
      const calls = [...reads, 'set', 'delete', 'transact', 'rollback'] as const;
      this.#configCenter = this.#observed(inner, 'configCenter', calls, ['namespace']);
    }
    return this.#configCenter;
  }

  /** An election of one leader by name; it ends with the coordinator. */
  election(name: string): Election {
    this.#checkOpen();
    const { keyPrefix: _locks, ...times } = this.config.distributedLock;
    const election = new Election(name, { backend: this.backend, runtime: this.#parts.runtime, ...times });
    this.#elections.add(election);
    return election;
  }

  /** Resolves when a quorum of the backend has answered. @throws {CoordinationError}. */
  async ping(options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    await withCoordinationErrors('asking for a sign of life', () => this.backend.ping(options));
  }

  /** Releases locks, takes registrations out, ends watches and closes the backend unless it was passed in; idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      const parts = [this.#registry?.inner, this.#locks?.inner, ...this.#elections];
      await Promise.all(parts.map((part) => part?.close()));
    } finally {
      if (this.#parts.isOwn) await this.#parts.backend.close();
    }
  }

  #observed<Target extends object>(
    target: Target,
    part: string,
    calls: readonly (keyof Target & string)[],
    views: readonly (keyof Target & string)[] = [],
  ): Target {
    const { enableMetrics, enableTracing } = this.config;
    if (!enableMetrics && !enableTracing) return target;
    return observeMethods(target, { part, calls, views }, this.#observer);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError('the coordinator was closed');
  }
}
