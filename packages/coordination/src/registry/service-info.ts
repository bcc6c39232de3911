/** How an instance is. */
export const HealthStatus = Object.freeze({
  /** Nobody has looked yet; not handed out as healthy. */
  Unknown: 'unknown',
  Healthy: 'healthy',
  Unhealthy: 'unhealthy',
  /** Taken out by an operator; only an operator takes it back, whatever health checks find. */
  Maintenance: 'maintenance',
});

/** One of `HealthStatus`. */
export type HealthStatus = (typeof HealthStatus)[keyof typeof HealthStatus];

/** What a process says of itself when it registers. */
export interface ServiceRegistration {
  /** The service: 1 to 255 bytes, no `/`, no control characters. */
  readonly name: string;
  /** One process or port of it, by the same rule; the same after a restart, so that the new process takes the old one's place. */
  readonly instanceId: string;
  /** `host:port`; an IPv6 host in brackets. */
  readonly address: string;
  /** What filters, weights (`weight`) and zones (`zone`) go by; at most 64 KiB altogether. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Healthy unless given; `unknown` when the registry checks health itself. */
  readonly health?: HealthStatus | undefined;
}

/** An instance of a service as the registry has it. */
export interface ServiceInfo {
  readonly name: string;
  readonly instanceId: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly health: HealthStatus;
  /** Finishes what it has begun and wants nothing new. */
  readonly isDraining: boolean;
  /** When its process first registered; registering again after a lost lease does not move it. */
  readonly registerTime: Date;
  /** When its process last wrote its record; `lastHeartbeatOf` asks the backend when the lease was last renewed. */
  readonly lastHeartbeat: Date;
}

/** Which instances of a service to list. */
export interface ServiceQuery {
  /** Instances that have all these pairs. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Instances for which it returns true. */
  readonly where?: ((instance: ServiceInfo) => boolean) | undefined;
  /** Also those that are unknown, unhealthy, in maintenance or draining. */
  readonly includeUnhealthy?: boolean | undefined;
}

/** The instances of a service that a query found, and how far they can be trusted. */
export interface ServiceList {
  readonly name: string;
  /** In the order of their ids. */
  readonly instances: readonly ServiceInfo[];
  /** The last revision of the backend that is part of the list. */
  readonly revision: bigint;
  /** Whether the backend could not be heard, so that the list is what was known at `staleSince`. */
  readonly isStale: boolean;
  /** When the backend last confirmed the list; unset while it does. */
  readonly staleSince: Date | undefined;
  /** Whether so many instances vanished at once that some are listed although they are gone. */
  readonly isProtected: boolean;
  /** The ids of those, of the instances listed. */
  readonly retained: ReadonlySet<string>;
}

/** Whether an instance takes new requests. */
export function isServing(instance: ServiceInfo): boolean {
  return instance.health === HealthStatus.Healthy && !instance.isDraining;
}

/** Whether an instance is one that the query asks for. */
export function matchesQuery(instance: ServiceInfo, query: ServiceQuery): boolean {
  if (query.includeUnhealthy !== true && !isServing(instance)) return false;
  for (const key in query.metadata) {
    if (!Object.hasOwn(query.metadata, key)) continue;
    if (!Object.hasOwn(instance.metadata, key) || instance.metadata[key] !== query.metadata[key]) return false;
  }
  return query.where?.(instance) ?? true;
}

/** Whether a check that found `health` has nothing to write: it is so already, or an operator has the instance in maintenance. */
export function isSettled(instance: ServiceInfo, health: HealthStatus): boolean {
  return instance.health === health || instance.health === HealthStatus.Maintenance;
}
