import type { Runtime } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { throwIfCancelled } from '../cancellation.ts';
import { ClosedError, withCoordinationErrors } from '../coordination-error.ts';
import { openSession } from '../session/open-session.ts';
import type { LoadBalanceStrategy } from './balancer/balancing-strategy.ts';
import type { ServiceChannel } from './balancer/service-channel.ts';
import { ServiceChannels } from './balancer/service-channels.ts';
import { resolveServiceRegistryConfig, type ServiceRegistryConfig } from './config.ts';
import { FeedPool } from './feed-pool.ts';
import type { HealthProber } from './health-check.ts';
import { HealthChecks } from './health-checks.ts';
import type { HealthMonitor } from './health-monitor.ts';
import { KeptRegistration, type SessionOpener } from './kept-registration.ts';
import { networkProber } from './network-prober.ts';
import { readPagedRange } from './paged-range.ts';
import { RecordStore } from './record-store.ts';
import type { Registration } from './registration.ts';
import {
  HealthStatus,
  isSettled,
  type ServiceInfo,
  type ServiceList,
  type ServiceRegistration,
} from './service-info.ts';
import { ServiceLayout } from './service-layout.ts';
import type {
  ConnectionOptions,
  DiscoverOptions,
  MonitorOptions,
  RegisterOptions,
  RegistryCallOptions,
  ServiceRegistry,
  ServiceWatchOptions,
} from './service-registry.ts';
import { checkHealth, checkNames, checkRegistration } from './service-validation.ts';
import { FeedWatch, type ServiceWatch } from './service-watch.ts';

/** What a service registry works with. */
export interface ServiceRegistryOptions {
  readonly backend: CoordinationBackend;
  readonly runtime: Runtime;
  readonly config?: Partial<ServiceRegistryConfig> | undefined;
  /** How it looks at instances; over the network unless given. */
  readonly prober?: HealthProber | undefined;
  /** How it opens the sessions that instances hang on; over the backend unless given. */
  readonly openSession?: SessionOpener | undefined;
}

/**
 * A service registry over a backend, which has to outlive it.
 *
 * @throws {ServiceRegistryConfigError} with code `invalidConfig`.
 */
export function createServiceRegistry(options: ServiceRegistryOptions): ServiceRegistry {
  return new BackendServiceRegistry(options);
}

class BackendServiceRegistry implements ServiceRegistry {
  readonly #backend: CoordinationBackend;
  readonly #runtime: Runtime;
  readonly #config: ServiceRegistryConfig;
  readonly #openSession: SessionOpener;
  readonly #layout: ServiceLayout;
  readonly #store: RecordStore;
  readonly #feeds: FeedPool;
  readonly #checks: HealthChecks;
  readonly #registrations = new Set<KeptRegistration>();
  readonly #watches = new Set<FeedWatch>();
  readonly #channels: ServiceChannels;
  #closed: Promise<void> | undefined;

  constructor(options: ServiceRegistryOptions) {
    const { backend, runtime, config, prober = networkProber } = options;
    this.#backend = backend;
    this.#runtime = runtime;
    this.#config = resolveServiceRegistryConfig(config);
    this.#openSession = options.openSession ?? ((ttlMs, signal) => openSession(backend, { ttlMs, runtime, signal }));
    this.#layout = new ServiceLayout(this.#config.keyPrefix);
    this.#store = new RecordStore(backend, this.#layout);
    this.#feeds = new FeedPool({ backend, runtime, layout: this.#layout, config: this.#config });
    this.#checks = new HealthChecks({ runtime, config: this.#config, prober });
    this.#channels = new ServiceChannels(this.#feeds, runtime);
  }

  async register(registration: ServiceRegistration, options: RegisterOptions = {}): Promise<Registration> {
    const { signal, onConflict = 'takeOver', check = { type: 'tcp' } } = options;
    this.#checkOpen();
    checkRegistration(registration);
    throwIfCancelled(signal, 'registering an instance');
    const isChecked = this.#config.enableHealthCheck && check !== 'none';
    const kept: KeptRegistration = new KeptRegistration({
      backend: this.#backend,
      runtime: this.#runtime,
      layout: this.#layout,
      store: this.#store,
      config: this.#config,
      openSession: this.#openSession,
      info: this.#firstInfo(registration, isChecked ? HealthStatus.Unknown : HealthStatus.Healthy),
      onEnd: () => this.#registrations.delete(kept),
    });
    this.#registrations.add(kept);
    try {
      await withCoordinationErrors('registering an instance', () => kept.open(onConflict, signal));
    } catch (error) {
      this.#registrations.delete(kept);
      throw error;
    }
    if (isChecked) this.#checks.keep(kept, check);
    return kept;
  }

  async deregister(name: string, instanceId: string, { signal }: RegistryCallOptions = {}): Promise<boolean> {
    this.#checkOpen();
    checkNames('deregistering an instance', name, instanceId);
    throwIfCancelled(signal, 'deregistering an instance');
    const target = { name, instanceId, signal };
    return await withCoordinationErrors('deregistering an instance', () => this.#store.remove(target));
  }

  async updateHealth(
    name: string,
    instanceId: string,
    health: HealthStatus,
    options: RegistryCallOptions = {},
  ): Promise<void> {
    checkHealth(health);
    await this.#modify(name, instanceId, (info) => ({ ...info, health }), options);
  }

  async setDraining(
    name: string,
    instanceId: string,
    isDraining: boolean,
    options: RegistryCallOptions = {},
  ): Promise<void> {
    await this.#modify(name, instanceId, (info) => ({ ...info, isDraining }), options);
  }

  async discover(name: string, options: DiscoverOptions = {}): Promise<ServiceList> {
    const { signal, maxAgeMs } = options;
    this.#checkOpen();
    checkNames('discovering a service', name);
    throwIfCancelled(signal, 'discovering a service');
    const { feed, isNew, release } = this.#feeds.use(name);
    try {
      if (!feed.hasList) await feed.load(signal);
      // A list that somebody else's call began may be older than this call.
      if (!isNew && (maxAgeMs === undefined || feed.ageMs > maxAgeMs)) await feed.refresh(signal);
      return feed.list(options);
    } finally {
      release();
    }
  }

  async get(name: string, instanceId: string, { signal }: RegistryCallOptions = {}): Promise<ServiceInfo | undefined> {
    this.#checkOpen();
    checkNames('reading an instance', name, instanceId);
    const target = { name, instanceId, signal };
    const { stored } = await withCoordinationErrors('reading an instance', () => this.#store.read(target));
    return stored?.record?.isLeaving === false ? stored.record.info : undefined;
  }

  async lastHeartbeatOf(
    name: string,
    instanceId: string,
    { signal }: RegistryCallOptions = {},
  ): Promise<Date | undefined> {
    this.#checkOpen();
    checkNames('reading a heartbeat', name, instanceId);
    return await withCoordinationErrors('reading a heartbeat', async () => {
      const { stored } = await this.#store.read({ name, instanceId, signal });
      if (stored === undefined || stored.leaseId === 0n) return undefined;
      try {
        const { grantedTtlMs, remainingMs } = await this.#backend.leaseStatus(stored.leaseId, { signal });
        return new Date(this.#runtime.clock.wallMs() - (grantedTtlMs - remainingMs));
      } catch (error) {
        if (error instanceof BackendError && error.code === 'leaseNotFound') return undefined;
        throw error;
      }
    });
  }

  watch(name: string, options: ServiceWatchOptions = {}): ServiceWatch {
    this.#checkOpen();
    checkNames('watching a service', name);
    const { feed, release } = this.#feeds.use(name);
    let watch: FeedWatch | undefined;
    const onEnd = (): void => {
      release();
      if (watch !== undefined) this.#watches.delete(watch);
    };
    watch = new FeedWatch({ feed, query: options, signal: options.signal, onEnd });
    if (!watch.isEnded) this.#watches.add(watch);
    return watch;
  }

  async names({ signal }: RegistryCallOptions = {}): Promise<readonly string[]> {
    this.#checkOpen();
    return await withCoordinationErrors('listing services', async () => {
      const { kvs } = await readPagedRange(this.#backend, this.#layout.range, { signal, keysOnly: true });
      return [...new Set(kvs.flatMap(({ key }) => this.#layout.parse(key)?.name ?? []))].sort();
    });
  }

  monitor(name: string, options: MonitorOptions): HealthMonitor {
    this.#checkOpen();
    checkNames('monitoring a service', name);
    const write = ({ instanceId }: ServiceInfo, health: HealthStatus, signal: AbortSignal): Promise<void> =>
      this.#modify(name, instanceId, (info) => (isSettled(info, health) ? undefined : { ...info, health }), { signal });
    return this.#checks.monitor(this.#feeds.use(name), options, write);
  }

  async getConnection(
    name: string,
    strategy: LoadBalanceStrategy,
    options: ConnectionOptions = {},
  ): Promise<ServiceChannel> {
    this.#checkOpen();
    checkNames('connecting to a service', name);
    return this.#channels.open(name, strategy, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#channels.close();
    await Promise.all([...this.#watches].map((watch) => watch.close()));
    await this.#checks.close();
    await Promise.all([...this.#registrations].map((registration) => registration.close()));
    this.#feeds.close();
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError('the service registry is closed');
  }

  #firstInfo(registration: ServiceRegistration, health: HealthStatus): ServiceInfo {
    const now = new Date(this.#runtime.clock.wallMs());
    const { name, instanceId, address, metadata = {} } = registration;
    return {
      name,
      instanceId,
      address,
      metadata: { ...metadata },
      health: registration.health ?? health,
      isDraining: false,
      registerTime: now,
      lastHeartbeat: now,
    };
  }

  async #modify(
    name: string,
    instanceId: string,
    change: (info: ServiceInfo) => ServiceInfo | undefined,
    { signal }: RegistryCallOptions,
  ): Promise<void> {
    this.#checkOpen();
    checkNames('changing an instance', name, instanceId);
    throwIfCancelled(signal, 'changing an instance');
    await withCoordinationErrors('changing an instance', () =>
      this.#store.modify({ name, instanceId, signal }, ({ info }) => {
        const changed = change(info);
        return changed === undefined ? undefined : { info: changed, isLeaving: false };
      }),
    );
  }
}
