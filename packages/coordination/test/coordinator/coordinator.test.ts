import { createMemoryLogger, createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { Registry } from 'prom-client';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  acquireLock,
  acquireReadLock,
  acquireReentrantLock,
  acquireWriteLock,
  ClosedError,
  type CoordinatorOptions,
  close,
  configureDefaultCoordinator,
  create,
  defaultCoordinator,
  deregisterService,
  discoverServices,
  getConfig,
  getServiceConnection,
  LoadBalanceStrategy,
  ping,
  prefixRange,
  registerService,
  setConfig,
  testConfig,
  watchConfig,
} from '../../src/index.ts';
import { DirectMachine } from '../machine/direct-machine.ts';

const runtime = createSystemRuntime({ logger: silentLogger });

/** Options for coordinators on one machine in memory. */
async function inMemory(options: Partial<CoordinatorOptions> = {}): Promise<CoordinatorOptions> {
  const machine = await DirectMachine.open({ runtime });
  onTestFinished(() => machine.close());
  return { ...testConfig, runtime, backend: machine.connect(), ...options };
}

afterEach(async () => {
  await close();
  configureDefaultCoordinator({});
});

test('one coordinator has registry, locks, elections and configuration, each made once', async () => {
  await using coordinator = await create(await inMemory());
  expect(coordinator.lock()).toBe(coordinator.lock());
  expect(coordinator.serviceRegistry()).toBe(coordinator.serviceRegistry());
  expect(coordinator.configCenter()).toBe(coordinator.configCenter());
  await coordinator.ping();
  const lock = await coordinator.lock().acquire('job');
  expect(lock.fencingToken).toBeGreaterThan(0n);
  await coordinator.serviceRegistry().register({ name: 'web', instanceId: 'w1', address: '127.0.0.1:80' });
  expect((await coordinator.serviceRegistry().discover('web')).instances).toHaveLength(1);
  const leadership = await coordinator.election('boss').campaign('me');
  expect(leadership.isLeader).toBe(true);
  await coordinator.configCenter().set('a', '1');
  const { kvs } = await coordinator.backend.range(prefixRange(Buffer.from('/')));
  const prefixes = new Set(kvs.map(({ key }) => Buffer.from(key).toString().split('/')[1]));
  expect([...prefixes]).toEqual(['config.history', 'config', 'elections', 'locks', 'services']);
});

test('closing releases what was held, takes registrations out, and leaves a backend that was passed in open', async () => {
  const options = await inMemory();
  const one = await create(options);
  await one.lock().acquire('job');
  await one.election('boss').campaign('me');
  await one.serviceRegistry().register({ name: 'web', instanceId: 'w1', address: '127.0.0.1:80' });
  await one.close();
  await one.close();
  for (const part of [() => one.lock(), () => one.serviceRegistry(), () => one.configCenter()]) {
    expect(part).toThrow(ClosedError);
  }
  expect(() => one.election('boss')).toThrow(ClosedError);
  await expect(one.ping()).rejects.toMatchObject({ code: 'closed' });
  await using other = await create(options);
  expect((await other.backend.range(prefixRange(Buffer.from('/')))).kvs).toEqual([]);
  expect(await other.backend.leases()).toEqual([]);
});

test('the parts get their settings, and the schemas theirs', async () => {
  const options = await inMemory({
    distributedLock: { keyPrefix: '/my-locks', defaultTtlMs: 7_000, renewIntervalMs: 1_000, enableReentrant: false },
    configCenter: { maxVersionHistory: 1 },
    serviceRegistry: { keyPrefix: '/my-services' },
    schemas: [{ key: 'port', schema: z.number() }],
  });
  await using coordinator = await create(options);
  const lock = await coordinator.lock().acquire('job');
  expect(lock.ttl()).toBeGreaterThan(5_000);
  expect(lock.ttl()).toBeLessThanOrEqual(7_000);
  await expect(coordinator.lock().acquireReentrant('job', { owner: 'me' })).rejects.toMatchObject({
    code: 'validation',
  });
  const center = coordinator.configCenter();
  await expect(center.set('port', '"eighty"')).rejects.toMatchObject({ code: 'validation' });
  await center.set('port', '80');
  await center.set('port', '81');
  expect(await center.getHistory('port')).toHaveLength(1);
  await coordinator.serviceRegistry().register({ name: 'web', instanceId: 'w1', address: '127.0.0.1:80' });
  const { kvs } = await coordinator.backend.range({ ...prefixRange(Buffer.from('/my-')), keysOnly: true });
  expect(kvs.map(({ key }) => Buffer.from(key).toString().split('/')[1])).toEqual(['my-locks', 'my-services']);
});

test('a configuration that cannot be is refused before anything is opened', async () => {
  await expect(create({ dialTimeoutMs: -1, retry: { maxRetries: -1 } })).rejects.toMatchObject({
    code: 'invalidConfig',
    violations: [expect.stringMatching(/^dialTimeoutMs: /), expect.stringMatching(/^retry\.maxRetries: /)],
  });
});

test('two places for the data are refused', async () => {
  const options = await inMemory({ endpoints: ['127.0.0.1:1'] });
  await expect(create(options)).rejects.toMatchObject({
    code: 'validation',
    message: expect.stringMatching(/^endpoints, backend: /),
  });
});

test('when metrics are enabled, calls are counted in the registry that was passed in', async () => {
  const metricsRegistry = new Registry();
  await using coordinator = await create(await inMemory({ enableMetrics: true, metricsRegistry }));
  expect(coordinator.metrics).toBe(metricsRegistry);
  const center = coordinator.configCenter();
  await center.namespace('team').set('a', '1', { version: 0n });
  await center
    .namespace('team')
    .set('a', '1', { version: 0n })
    .catch(() => {});
  const watch = center.watch('a');
  await watch.ready();
  const lock = await coordinator.lock().acquire('job');
  const text = await metricsRegistry.metrics();
  expect(text).toContain('calls_total{operation="configCenter.set",outcome="ok"} 1');
  expect(text).toContain('calls_total{operation="configCenter.set",outcome="conflict"} 1');
  expect(text).toContain('calls_total{operation="lock.acquire",outcome="ok"} 1');
  expect(text).toMatch(/calls_total\{operation="backend.transact",outcome="ok"\} [1-9]/);
  expect(text).toMatch(/flotilla_coordination_watches [1-9]/);
  expect(lock.isHeld).toBe(true);
  await watch.close();
});

test('without metrics nothing is counted', async () => {
  await using coordinator = await create(await inMemory());
  expect(coordinator.metrics).toBeUndefined();
});

test('what is logged at info and above holds neither keys nor values', async () => {
  const logger = createMemoryLogger();
  const options = await inMemory({ runtime: { ...runtime, logger } });
  const coordinator = await create(options);
  await coordinator.configCenter().set('secret key', 'secret value');
  await coordinator.lock().acquire('secret lock');
  await coordinator.close();
  const grave = logger.lines.filter(({ level }) => level !== 'debug' && level !== 'trace');
  expect(JSON.stringify(grave)).not.toContain('secret');
});

test('the global functions share a coordinator that the first of them makes', async () => {
  configureDefaultCoordinator(await inMemory());
  const [one, two] = await Promise.all([defaultCoordinator(), defaultCoordinator()]);
  expect(one).toBe(two);
  expect(() => configureDefaultCoordinator({})).toThrow(/close it first/);
  await ping();
  const { version } = await setConfig('a', '1', 0n, { author: 'ada' });
  await expect(setConfig('a', '2', 0n)).rejects.toMatchObject({ code: 'conflict' });
  await using changes = await watchConfig('a');
  await setConfig('a', '2', version);
  expect((await changes.next()).value).toMatchObject({ type: 'update', oldValue: '1', newValue: '2' });
  expect(await getConfig('a')).toMatchObject({ value: '2' });
});

test('the global locks exclude each other as those of a coordinator do', async () => {
  configureDefaultCoordinator(await inMemory());
  const lock = await acquireLock('job', 4_000);
  expect(lock.ttl()).toBeLessThanOrEqual(4_000);
  await expect(acquireWriteLock('job', undefined, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  await lock.release();
  const readers = await Promise.all([acquireReadLock('job'), acquireReadLock('job')]);
  await expect(acquireLock('job', 4_000, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' });
  for (const reader of readers) await reader.release();
  const mine = await acquireReentrantLock('job', 4_000, { owner: 'me' });
  expect((await acquireReentrantLock('job', 4_000, { owner: 'me' })).acquireCount()).toBe(2);
  await mine.release();
  await mine.release();
  expect(mine.isHeld).toBe(false);
});

test('the global registry registers, discovers, connects and deregisters', async () => {
  configureDefaultCoordinator(await inMemory());
  const registration = await registerService({ name: 'web', instanceId: 'w1', address: '127.0.0.1:80' });
  expect((await discoverServices('web')).instances.map(({ address }) => address)).toEqual(['127.0.0.1:80']);
  const channel = await getServiceConnection('web', LoadBalanceStrategy.RoundRobin);
  await channel.close();
  expect(await deregisterService('web', 'w1')).toBe(true);
  expect((await discoverServices('web')).instances).toEqual([]);
  await registration.close();
});

test('after close the next global call makes a new coordinator, and a failed one is no obstacle', async () => {
  configureDefaultCoordinator({ dialTimeoutMs: -1 });
  await expect(ping()).rejects.toMatchObject({ code: 'invalidConfig' });
  configureDefaultCoordinator(await inMemory());
  const first = await defaultCoordinator();
  await close();
  await expect(first.ping()).rejects.toMatchObject({ code: 'closed' });
  await ping();
  expect(await defaultCoordinator()).not.toBe(first);
});
