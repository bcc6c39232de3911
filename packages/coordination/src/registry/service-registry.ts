import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import type { LoadBalanceStrategy } from './balancer/balancing-strategy.ts';
import type { OutlierRules } from './balancer/outlier-detector.ts';
import type { ServiceChannel } from './balancer/service-channel.ts';
import type { HealthCheck } from './health-check.ts';
import type { HealthMonitor, HealthReport } from './health-monitor.ts';
import type { Registration, RegistrationConflict } from './registration.ts';
import type { HealthStatus, ServiceInfo, ServiceList, ServiceQuery, ServiceRegistration } from './service-info.ts';
import type { ServiceWatch } from './service-watch.ts';

/** What every call takes. */
export interface RegistryCallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** How an instance is registered. */
export interface RegisterOptions extends RegistryCallOptions {
  /** What to do when another process has registered the same instance: `takeOver` unless given. */
  readonly onConflict?: RegistrationConflict | undefined;
  /** How the registry checks its health, where checks are enabled: by a connection unless given; `none` for not at all. */
  readonly check?: HealthCheck | 'none' | undefined;
}

/** What to list, and how old it may be. */
export interface DiscoverOptions extends ServiceQuery, RegistryCallOptions {
  /** Answers from memory what the backend confirmed so long ago or later; asks the backend unless given. */
  readonly maxAgeMs?: number | undefined;
}

/** What to watch. */
export interface ServiceWatchOptions extends ServiceQuery, RegistryCallOptions {}

/** How a service's instances are checked. */
export interface MonitorOptions {
  readonly check: HealthCheck;
  readonly report: HealthReport;
}

/** How a service is connected to. */
export interface ConnectionOptions {
  /** Without encryption unless given. */
  readonly credentials?: ChannelCredentials | undefined;
  readonly channelOptions?: ChannelOptions | undefined;
  /** Which instances to call; the healthy ones unless it says otherwise. */
  readonly query?: ServiceQuery | undefined;
  /** Prefers instances whose metadata `zone` is this one, as long as one of them is connected. */
  readonly zone?: string | undefined;
  /** The request header that `sticky` goes by; `x-sticky-key` unless given. */
  readonly stickyHeader?: string | undefined;
  readonly outliers?: Partial<OutlierRules> | undefined;
  /** Closes the channel when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Services and their instances, on leases: what a process registers is listed for as long as it lives, and `ttlMs` longer.
 *
 * Every method rejects with a `CoordinationError`.
 */
export interface ServiceRegistry extends AsyncDisposable {
  /**
   * Registers an instance and keeps it registered until it is closed. The signal gives up registering, and means nothing once
   * this has resolved.
   *
   * Whoever registers an instance last has it: a process that was restarted does not wait for its old lease. The process that
   * had it before learns of it, and registers no more.
   *
   * @throws {RegisteredElsewhereError} with code `conflict` when `onConflict` is `refuse` and another process has it.
   */
  register(registration: ServiceRegistration, options?: RegisterOptions): Promise<Registration>;
  /** Takes an instance out, whoever registered it; that process does not register it again. Returns whether it was there. */
  deregister(name: string, instanceId: string, options?: RegistryCallOptions): Promise<boolean>;
  /**
   * Sets an instance's health and leaves its lease as it is. Health checks do not overwrite `maintenance`; this does.
   *
   * @throws {NotRegisteredError} with code `conflict`.
   */
  updateHealth(name: string, instanceId: string, health: HealthStatus, options?: RegistryCallOptions): Promise<void>;
  /**
   * Says whether an instance takes new requests.
   *
   * @throws {NotRegisteredError} with code `conflict`.
   */
  setDraining(name: string, instanceId: string, isDraining: boolean, options?: RegistryCallOptions): Promise<void>;
  /**
   * The instances of a service, with all that was written before the call. Where the backend cannot be asked it is the last
   * list that was known, which says so by `isStale`.
   *
   * @throws {ConnectionError} with code `connection` when nothing is known yet.
   */
  discover(name: string, options?: DiscoverOptions): Promise<ServiceList>;
  /** One instance, whatever its health; undefined when it is not registered. */
  get(name: string, instanceId: string, options?: RegistryCallOptions): Promise<ServiceInfo | undefined>;
  /**
   * When an instance's lease was last renewed, by the backend's account; undefined when it is not registered. Renewals do not
   * write to its record.
   */
  lastHeartbeatOf(name: string, instanceId: string, options?: RegistryCallOptions): Promise<Date | undefined>;
  /** Full lists of a service, one for each change that the reader has time for. */
  watch(name: string, options?: ServiceWatchOptions): ServiceWatch;
  /** The names of all services that have an instance, in order. */
  names(options?: RegistryCallOptions): Promise<readonly string[]>;
  /** Checks all instances of a service from here. */
  monitor(name: string, options: MonitorOptions): HealthMonitor;
  /** A gRPC channel that follows the service. Resolves at once: calls wait for the first list. */
  getConnection(name: string, strategy: LoadBalanceStrategy, options?: ConnectionOptions): Promise<ServiceChannel>;
  /** Takes out what was registered here and ends watches, monitors and channels. The backend stays open. */
  close(): Promise<void>;
}
