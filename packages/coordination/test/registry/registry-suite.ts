import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CoordinationBackend,
  createServiceRegistry,
  type Registration,
  type ServiceList,
  type ServiceRegistry,
  type ServiceWatch,
} from '../../src/index.ts';

/** Short, and no less than what an etcd grants. */
const ttlMs = 2_000;
const config = { ttlMs, backoffInitialMs: 20, backoffMaxMs: 200, probeIntervalMs: 500 };

/** A server of coordination for a whole suite. */
export interface SuiteServer {
  /** A connection of its own, as another process has. */
  connect(): Promise<CoordinationBackend>;
  close(): Promise<void>;
}

/** One process of a suite. */
export interface SuiteClient {
  readonly backend: CoordinationBackend;
  readonly registry: ServiceRegistry;
}

/** Opens a process's registry. */
export async function openClient(server: SuiteServer): Promise<SuiteClient> {
  const backend = await server.connect();
  const runtime = createSystemRuntime({ logger: silentLogger });
  return { backend, registry: createServiceRegistry({ backend, runtime, config }) };
}

/** Reads a watch until a list is as wanted. */
export async function listWhere(watch: ServiceWatch, isWanted: (list: ServiceList) => boolean): Promise<ServiceList> {
  for (;;) {
    const { done, value } = await watch.next();
    if (done === true) throw new Error('the watch has ended');
    if (isWanted(value)) return value;
  }
}

const idsOf = (list: ServiceList): string[] => list.instances.map(({ instanceId }) => instanceId);
const holds =
  (...ids: readonly string[]) =>
  (list: ServiceList): boolean =>
    idsOf(list).join() === ids.join();

async function ended(registration: Registration): Promise<unknown> {
  const { signal } = registration;
  if (!signal.aborted) {
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
  }
  return signal.reason;
}

/** What the registry does over every backend, in real time. */
export function testRegistry(open: () => Promise<SuiteServer>): void {
  let server: SuiteServer;
  let one: SuiteClient;
  let other: SuiteClient;
  let services = 0;

  beforeAll(async () => {
    server = await open();
    one = await openClient(server);
    other = await openClient(server);
  });

  afterAll(async () => {
    for (const { registry, backend } of [one, other]) {
      await registry.close();
      await backend.close();
    }
    await server.close();
  });

  const freshName = (): string => {
    services += 1;
    return `service-${services}`;
  };
  const register = ({ registry }: SuiteClient, name: string, instanceId: string): Promise<Registration> =>
    registry.register({ name, instanceId, address: '10.0.0.1:80' });

  test('lists what another process registers, until that closes', async () => {
    const name = freshName();
    expect(idsOf(await other.registry.discover(name))).toEqual([]);
    const registration = await register(one, name, 'a');
    const list = await other.registry.discover(name);
    expect(list.instances).toMatchObject([{ name, instanceId: 'a', address: '10.0.0.1:80', health: 'healthy' }]);
    expect(await other.registry.names()).toContain(name);
    await registration.close();
    expect(idsOf(await other.registry.discover(name))).toEqual([]);
    expect(await other.registry.names()).not.toContain(name);
  });

  test('keeps the lease when health changes, so that the instance of a dead process goes', async () => {
    const name = freshName();
    const dying = await openClient(server);
    const { leaseId } = await register(dying, name, 'a');
    await register(one, name, 'b');
    await using watch = other.registry.watch(name);
    await listWhere(watch, holds('a', 'b'));
    await other.registry.updateHealth(name, 'a', 'unhealthy');
    await other.registry.updateHealth(name, 'a', 'healthy');
    const { leaseId: kept } = await other.backend.leaseStatus(leaseId, { keys: true });
    expect(kept).toBe(leaseId);
    // The process dies: nothing renews any more, and nobody says goodbye.
    await dying.backend.close();
    expect(idsOf(await listWhere(watch, holds('b')))).toEqual(['b']);
    await expect(other.backend.leaseStatus(leaseId)).rejects.toMatchObject({ code: 'leaseNotFound' });
  });

  test('stays registered for longer than its ttl, and tells when its lease was renewed', async () => {
    const name = freshName();
    const registration = await register(one, name, 'a');
    const registered = registration.info.registerTime.getTime();
    const renewed = async (): Promise<Date> => (await other.registry.lastHeartbeatOf(name, 'a')) as Date;
    while ((await renewed()).getTime() < registered + 2 * ttlMs) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(registration.isRegistered).toBe(true);
    expect(idsOf(await other.registry.discover(name))).toEqual(['a']);
  });

  test('registers again when its lease is revoked, and watchers see it go and come', async () => {
    const name = freshName();
    const registration = await register(one, name, 'a');
    const { leaseId } = registration;
    await using watch = other.registry.watch(name);
    await listWhere(watch, holds('a'));
    const again = new Promise<void>((resolve) => {
      registration.events.subscribe(({ type }) => type === 'registered' && resolve());
    });
    await other.backend.revokeLease(leaseId);
    await again;
    expect(registration.leaseId).not.toBe(leaseId);
    expect(idsOf(await other.registry.discover(name))).toEqual(['a']);
  });

  test('gives way to the process that registers the same instance later', async () => {
    const name = freshName();
    const earlier = await register(one, name, 'a');
    const later = await register(other, name, 'a');
    expect(await ended(earlier)).toBe('superseded');
    await earlier.close();
    expect(idsOf(await one.registry.discover(name))).toEqual(['a']);
    expect(later.isRegistered).toBe(true);
  });

  test('ends when an operator deregisters it, and does not come back', async () => {
    const name = freshName();
    const registration = await register(one, name, 'a');
    expect(await other.registry.deregister(name, 'a')).toBe(true);
    expect(await ended(registration)).toBe('deregistered');
    expect(idsOf(await other.registry.discover(name))).toEqual([]);
    expect(await other.registry.deregister(name, 'a')).toBe(false);
  });

  test('brings watchers the latest list over many changes and a compaction', async () => {
    const name = freshName();
    const registration = await register(one, name, 'a');
    await using watch = other.registry.watch(name);
    await using second = one.registry.watch(name);
    await listWhere(watch, holds('a'));
    for (let version = 1; version <= 30; version += 1) await registration.setMetadata({ version: String(version) });
    const { revision } = await other.registry.discover(name);
    await other.backend.compact(revision);
    await register(one, name, 'b');
    const isLatest = (list: ServiceList): boolean =>
      holds('a', 'b')(list) && list.instances[0]?.metadata['version'] === '30';
    await listWhere(watch, isLatest);
    await listWhere(second, isLatest);
  });

  test('loses no change when several processes write one record at once', async () => {
    const name = freshName();
    const registration = await register(one, name, 'a');
    await Promise.all([
      other.registry.updateHealth(name, 'a', 'maintenance'),
      registration.setMetadata({ weight: '3' }),
      other.registry.setDraining(name, 'a', true),
    ]);
    expect(await one.registry.get(name, 'a')).toMatchObject({
      health: 'maintenance',
      metadata: { weight: '3' },
      isDraining: true,
    });
  });
}
