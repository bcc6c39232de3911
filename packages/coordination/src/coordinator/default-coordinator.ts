import type { CallOptions } from '../backend/coordination-backend.ts';
import type { ConfigCallOptions, ConfigSetOptions } from '../config-center/config-center.ts';
import type { ConfigValue } from '../config-center/config-value.ts';
import type { ConfigWatch, ConfigWatchOptions } from '../config-center/config-watch.ts';
import { ConflictError } from '../coordination-error.ts';
import type { AcquireOptions } from '../lock/distributed-lock.ts';
import type { Lock, ReentrantLock } from '../lock/lock.ts';
import type { LoadBalanceStrategy } from '../registry/balancer/balancing-strategy.ts';
import type { ServiceChannel } from '../registry/balancer/service-channel.ts';
import type { Registration } from '../registry/registration.ts';
import type { ServiceList, ServiceRegistration } from '../registry/service-info.ts';
import type {
  ConnectionOptions,
  DiscoverOptions,
  RegisterOptions,
  RegistryCallOptions,
} from '../registry/service-registry.ts';
import { type Coordinator, type CoordinatorOptions, create } from './coordinator.ts';

/**
 * Functions for programs that need one coordinator: it is made by the first call and closed by `close`, after which the next call
 * makes another one. This is the one state of the process that this package has.
 */
let options: CoordinatorOptions = {};
let opening: Promise<Coordinator> | undefined;

/**
 * Says what the default coordinator is made with; before that, with nothing: embedded, in memory.
 *
 * @throws {ConflictError} when it was made already.
 */
export function configureDefaultCoordinator(chosen: CoordinatorOptions): void {
  if (opening !== undefined) throw new ConflictError('the default coordinator was made already; close it first');
  options = chosen;
}

/** The default coordinator, made if there is none. @throws as `create` does; the next call tries again. */
export async function defaultCoordinator(): Promise<Coordinator> {
  const attempt = opening ?? create(options);
  opening = attempt;
  try {
    return await attempt;
  } catch (error) {
    if (opening === attempt) opening = undefined;
    throw error;
  }
}

/** Resolves when a quorum of the default coordinator's backend has answered. */
export async function ping(call?: CallOptions): Promise<void> {
  return (await defaultCoordinator()).ping(call);
}

/** Closes the default coordinator, if there is one. */
export async function close(): Promise<void> {
  const closing = opening;
  opening = undefined;
  const coordinator = await closing?.catch(() => undefined);
  await coordinator?.close();
}

/** Registers an instance of a service and keeps it registered until it is closed. */
export async function registerService(service: ServiceRegistration, call?: RegisterOptions): Promise<Registration> {
  return (await defaultCoordinator()).serviceRegistry().register(service, call);
}

/** Takes an instance out; resolves with whether it was there. */
export async function deregisterService(
  name: string,
  instanceId: string,
  call?: RegistryCallOptions,
): Promise<boolean> {
  return (await defaultCoordinator()).serviceRegistry().deregister(name, instanceId, call);
}

/** The healthy instances of a service. */
export async function discoverServices(name: string, call?: DiscoverOptions): Promise<ServiceList> {
  return (await defaultCoordinator()).serviceRegistry().discover(name, call);
}

/** A gRPC channel that follows a service and spreads its calls. */
export async function getServiceConnection(
  name: string,
  strategy: LoadBalanceStrategy,
  call?: ConnectionOptions,
): Promise<ServiceChannel> {
  return (await defaultCoordinator()).serviceRegistry().getConnection(name, strategy, call);
}

/** Acquires a lock alone. @param ttlMs How long it outlasts its holder's process. */
export async function acquireLock(key: string, ttlMs?: number, call?: AcquireOptions): Promise<Lock> {
  return (await defaultCoordinator()).lock().acquire(key, { ttlMs, ...call });
}

/** Acquires a lock for `owner`, who gets it again at once while it holds it. */
export async function acquireReentrantLock(
  key: string,
  ttlMs: number | undefined,
  call: AcquireOptions & { readonly owner: string },
): Promise<ReentrantLock> {
  return (await defaultCoordinator()).lock().acquireReentrant(key, { ttlMs, ...call });
}

/** Acquires a lock together with other readers. */
export async function acquireReadLock(key: string, ttlMs?: number, call?: AcquireOptions): Promise<Lock> {
  return (await defaultCoordinator()).lock().acquireReadLock(key, { ttlMs, ...call });
}

/** Acquires a lock alone, waiting for readers too. */
export async function acquireWriteLock(key: string, ttlMs?: number, call?: AcquireOptions): Promise<Lock> {
  return (await defaultCoordinator()).lock().acquireWriteLock(key, { ttlMs, ...call });
}

/** The value of a key; `undefined` when there is none. */
export async function getConfig(key: string, call?: ConfigCallOptions): Promise<ConfigValue | undefined> {
  return (await defaultCoordinator()).configCenter().get(key, call);
}

/** Sets a value; with a version, only if that is the one that is there. */
export async function setConfig(
  key: string,
  value: string,
  version?: bigint,
  call?: Omit<ConfigSetOptions, 'version'>,
): Promise<ConfigValue> {
  return (await defaultCoordinator()).configCenter().set(key, value, { ...call, version });
}

/** The changes of a key; resolves once every later change is in the stream. */
export async function watchConfig(key: string, watch?: ConfigWatchOptions): Promise<ConfigWatch> {
  const changes = (await defaultCoordinator()).configCenter().watch(key, watch);
  await changes.ready();
  return changes;
}
