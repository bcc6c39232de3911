import { describe, expect, it } from 'vitest';
import {
  CancelledError,
  ClosedError,
  ConflictError,
  NotRegisteredError,
  RegisteredElsewhereError,
  ValidationError,
} from '../../src/index.ts';
import { eventsOf, RegistryWorld, ttlMs } from './registry-world.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe('a registration', () => {
  it('is a JSON record under PREFIX/NAME/INSTANCE, on a lease', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a', { zone: 'north' });
    const stored = await world.stored('a');
    expect(stored?.leaseId).toBe(registration.leaseId);
    expect(JSON.parse(text(stored?.value))).toEqual({
      name: 'orders',
      instanceId: 'a',
      address: '10.0.0.1:8097',
      metadata: { zone: 'north' },
      health: 'healthy',
      state: 'serving',
      registerTime: registration.info.registerTime.toISOString(),
      lastHeartbeat: registration.info.registerTime.toISOString(),
    });
  });

  it('stays for as long as its process lives, and costs no write while nothing happens', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const before = await world.stored('a');
    await world.world.advance(20 * ttlMs);
    expect(registration.isRegistered).toBe(true);
    expect(await world.stored('a')).toEqual(before);
    const heartbeat = registration.info.lastHeartbeat.getTime() - registration.info.registerTime.getTime();
    expect(heartbeat).toBeGreaterThan(19 * ttlMs);
  });

  it('goes no earlier than its ttl and no later than two seconds after it, when its process dies', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = await RegistryWorld.open(seed);
      const dying = world.client('a');
      const { registry } = world.client('b');
      await world.register(dying, 'a');
      const watch = registry.watch('orders');
      expect((await world.run(watch.next())).value.instances).toHaveLength(1);
      await world.world.advance(seed * 700);
      dying.runtime.halt();
      const heartbeat = await world.run(registry.lastHeartbeatOf('orders', 'a'));
      const gone = await world.run(watch.next());
      expect(gone.value.instances).toEqual([]);
      const now = world.client('c').runtime.clock.wallMs();
      const lifeMs = now - (heartbeat?.getTime() ?? 0);
      expect(lifeMs).toBeGreaterThanOrEqual(ttlMs);
      expect(lifeMs).toBeLessThanOrEqual(ttlMs + 2_000);
    }
  });

  it('goes at once when it is closed, and its lease with it; closing again does nothing', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const registration = await world.register(client, 'a');
    const events = eventsOf(registration);
    await world.run(Promise.all([registration.close(), registration.close()]));
    expect(await world.stored('a')).toBeUndefined();
    expect(await world.run(world.backend.leases())).toEqual([]);
    expect(registration.isRegistered).toBe(false);
    expect(registration.signal.reason).toBe('closed');
    expect(events).toEqual([{ type: 'ended', reason: 'closed' }]);
    await world.run(registration.close());
  });

  it('goes when the registry is closed', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a');
    await world.register(client, 'b');
    await world.run(client.registry.close());
    expect(await world.stored('a')).toBeUndefined();
    expect(await world.stored('b')).toBeUndefined();
    expect(await world.refusal(client.registry.discover('orders'))).toBeInstanceOf(ClosedError);
  });

  it('registers again by itself when its lease is revoked, and says so', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a', { zone: 'north' });
    const events = eventsOf(registration);
    const { leaseId, info } = registration;
    await world.run(world.backend.revokeLease(leaseId));
    await world.world.advance(1_000);
    const stored = await world.stored('a');
    expect(registration.isRegistered).toBe(true);
    expect(registration.leaseId).not.toBe(leaseId);
    expect(stored?.leaseId).toBe(registration.leaseId);
    expect(registration.info).toMatchObject({ registerTime: info.registerTime, metadata: { zone: 'north' } });
    expect(events.map(({ type }) => type)).toEqual(['lost', 'registered']);
    expect(events.at(-1)).toMatchObject({ type: 'registered', isAgain: true });
  });

  it('registers again when its key is deleted, on the lease that it has', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const events = eventsOf(registration);
    const { leaseId } = registration;
    await world.run(world.backend.delete({ key: Buffer.from('/services/orders/a') }));
    await world.world.advance(1_000);
    expect((await world.stored('a'))?.leaseId).toBe(leaseId);
    expect(events.map(({ type }) => type)).toEqual(['lost', 'registered']);
  });

  it('takes its record back onto its lease when somebody writes it without one', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const value = Buffer.from('{"address":"10.9.9.9:1"}');
    await world.run(world.backend.put({ key: Buffer.from('/services/orders/a'), value }));
    await world.world.advance(1_000);
    const stored = await world.stored('a');
    expect(stored?.leaseId).toBe(registration.leaseId);
    expect(JSON.parse(text(stored?.value)).address).toBe('10.0.0.1:8097');
  });

  it('comes back after the backend was away for longer than its ttl, and watchers converge', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const watcher = world.client('w');
    const registration = await world.register(client, 'a');
    const events = eventsOf(registration);
    const watch = watcher.registry.watch('orders');
    await world.run(watch.next());
    client.network.isCut = true;
    await world.world.advance(3 * ttlMs);
    expect(registration.isRegistered).toBe(false);
    expect(await world.discovered(watcher)).toEqual([]);
    expect(events[0]?.type).toBe('lost');
    expect(events.slice(1).every(({ type }) => type === 'attemptFailed')).toBe(true);
    client.network.isCut = false;
    await world.world.advance(10_000);
    expect(registration.isRegistered).toBe(true);
    expect(events.at(-1)).toMatchObject({ type: 'registered', isAgain: true });
    const last = await world.run(watch.next());
    expect(last.value.instances.map(({ instanceId }: { instanceId: string }) => instanceId)).toEqual(['a']);
  });

  it('is not registered twice when the answer to its write is lost', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const registering = client.registry.register({ name: 'orders', instanceId: 'a', address: '10.0.0.1:80' });
    await world.world.runUntil(() => client.network.sent.get('transact') === 1, 10_000);
    client.network.answersAreLost = true;
    await world.world.advance(500);
    client.network.answersAreLost = false;
    const registration = await world.run(registering);
    expect(client.network.sent.get('transact')).toBe(1);
    const stored = await world.stored('a');
    expect(stored?.version).toBe(1n);
    expect(stored?.leaseId).toBe(registration.leaseId);
  });

  it('outlives a compaction of what it watches', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const registration = await world.register(client, 'a');
    client.network.isCut = true;
    const value = Buffer.from('x');
    let revision = 0n;
    for (let write = 0; write < 5; write += 1) {
      ({ revision } = await world.run(world.backend.put({ key: Buffer.from('/other'), value })));
    }
    await world.run(world.backend.delete({ key: Buffer.from('/services/orders/a') }));
    await world.run(world.backend.compact(revision + 1n));
    client.network.isCut = false;
    await world.world.advance(5_000);
    expect((await world.stored('a'))?.leaseId).toBe(registration.leaseId);
  });

  it('gives up registering when the signal aborts, and leaves nothing behind', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    client.network.isCut = true;
    const controller = new AbortController();
    const info = { name: 'orders', instanceId: 'a', address: '10.0.0.1:80' };
    const registering = client.registry.register(info, { signal: controller.signal });
    await world.world.advance(100);
    controller.abort(new Error('enough'));
    expect((await world.refusal(registering)) as Error).toHaveProperty(
      'code',
      expect.stringMatching(/cancelled|outcomeUnknown/),
    );
    client.network.isCut = false;
    await world.world.advance(3 * ttlMs);
    expect(await world.stored('a')).toBeUndefined();
    const aborted = client.registry.register(info, { signal: AbortSignal.abort() });
    expect(await world.refusal(aborted)).toBeInstanceOf(CancelledError);
  });

  it('names everything that is wrong with what is registered, and changes nothing', async () => {
    const world = await RegistryWorld.open();
    const { registry } = world.client('a');
    const wrong = { name: 'a/b', instanceId: '', address: 'nowhere', metadata: { size: 3 as unknown as string } };
    const error = (await world.refusal(registry.register(wrong))) as Error;
    expect(error).toBeInstanceOf(ValidationError);
    for (const field of ['name', 'instanceId', 'address', 'metadata.size'])
      expect(error.message).toContain(`${field}: `);
    expect(await world.run(registry.names())).toEqual([]);
  });
});

describe('an instance that is registered elsewhere', () => {
  it('is taken over by the later process, and the earlier one neither fights back nor takes it along', async () => {
    const world = await RegistryWorld.open();
    const earlier = await world.register(world.client('a'), 'x');
    const events = eventsOf(earlier);
    const later = await world.register(world.client('b'), 'x');
    await world.world.advance(1_000);
    expect(events).toEqual([{ type: 'ended', reason: 'superseded' }]);
    expect(earlier.signal.reason).toBe('superseded');
    expect(earlier.isRegistered).toBe(false);
    expect(await world.refusal(earlier.updateHealth('unhealthy'))).toBeInstanceOf(RegisteredElsewhereError);
    await world.run(earlier.close());
    await world.world.advance(3 * ttlMs);
    expect((await world.stored('x'))?.leaseId).toBe(later.leaseId);
    expect(later.isRegistered).toBe(true);
  });

  it('is left to the later process when the earlier one comes back from a partition', async () => {
    const world = await RegistryWorld.open();
    const cut = world.client('a');
    const earlier = await world.register(cut, 'x');
    cut.network.isCut = true;
    await world.world.advance(2 * ttlMs);
    const later = await world.register(world.client('b'), 'x');
    cut.network.isCut = false;
    await world.world.advance(10_000);
    expect(earlier.signal.reason).toBe('superseded');
    expect((await world.stored('x'))?.leaseId).toBe(later.leaseId);
  });

  it('is refused when the caller asks for that, until the other one has gone', async () => {
    const world = await RegistryWorld.open();
    const earlier = await world.register(world.client('a'), 'x');
    const { registry } = world.client('b');
    const info = { name: 'orders', instanceId: 'x', address: '10.0.0.2:80' };
    const error = await world.refusal(registry.register(info, { onConflict: 'refuse' }));
    expect(error).toBeInstanceOf(RegisteredElsewhereError);
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ code: 'conflict', service: 'orders', instanceId: 'x', address: '10.0.0.1:8120' });
    expect(earlier.isRegistered).toBe(true);
    await world.run(earlier.close());
    const later = await world.run(registry.register(info, { onConflict: 'refuse' }));
    expect(later.isRegistered).toBe(true);
  });

  it('has one owner at a time when many register it at once', async () => {
    const world = await RegistryWorld.open(3);
    const clients = ['a', 'b', 'c', 'd', 'e'].map((label) => world.client(label));
    const info = { name: 'orders', instanceId: 'x', address: '10.0.0.1:80' };
    const registrations = await world.run(Promise.all(clients.map(({ registry }) => registry.register(info))));
    await world.world.advance(2 * ttlMs);
    const owners = registrations.filter(({ isRegistered }) => isRegistered);
    expect(owners).toHaveLength(1);
    expect((await world.stored('x'))?.leaseId).toBe(owners[0]?.leaseId);
    expect(registrations.filter(({ signal }) => signal.reason === 'superseded')).toHaveLength(4);
  });
});

describe('deregister', () => {
  it('takes out the instance of another process, which does not come back', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const { registry } = world.client('b');
    expect(await world.run(registry.deregister('orders', 'a'))).toBe(true);
    await world.world.advance(3 * ttlMs);
    expect(await world.stored('a')).toBeUndefined();
    expect(registration.signal.reason).toBe('deregistered');
    expect(await world.run(world.backend.leases())).toEqual([]);
    expect(await world.run(registry.deregister('orders', 'a'))).toBe(false);
  });
});

describe('updateHealth', () => {
  it('keeps the lease, so that a dead instance still expires', async () => {
    const world = await RegistryWorld.open();
    const dying = world.client('a');
    const { leaseId } = await world.register(dying, 'a');
    const operator = world.client('o');
    await world.run(operator.registry.updateHealth('orders', 'a', 'unhealthy'));
    expect((await world.stored('a'))?.leaseId).toBe(leaseId);
    dying.runtime.halt();
    for (let second = 0; second < 5; second += 1) {
      await world.world.advance(1_000);
      await world.run(operator.registry.updateHealth('orders', 'a', second % 2 === 0 ? 'healthy' : 'unhealthy'));
    }
    await world.world.advance(ttlMs - 5_000 + 2_000);
    expect(await world.stored('a')).toBeUndefined();
  });

  it('is one of many at once, and none is lost', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const operator = world.client('o');
    await world.run(
      Promise.all([
        operator.registry.updateHealth('orders', 'a', 'maintenance'),
        registration.setMetadata({ weight: '3' }),
        registration.setDraining(true),
      ]),
    );
    expect(await world.run(operator.registry.get('orders', 'a'))).toMatchObject({
      health: 'maintenance',
      metadata: { weight: '3' },
      isDraining: true,
    });
  });

  it('tells its own process', async () => {
    const world = await RegistryWorld.open();
    const registration = await world.register(world.client('a'), 'a');
    const events = eventsOf(registration);
    await world.run(world.client('o').registry.updateHealth('orders', 'a', 'maintenance'));
    await world.world.advance(100);
    expect(events).toMatchObject([{ type: 'changed', info: { health: 'maintenance' } }]);
    expect(registration.info.health).toBe('maintenance');
  });

  it('refuses an instance that is not registered, and a status that is none', async () => {
    const world = await RegistryWorld.open();
    const { registry } = world.client('o');
    const error = await world.refusal(registry.updateHealth('orders', 'a', 'healthy'));
    expect(error).toBeInstanceOf(NotRegisteredError);
    expect(error).toHaveProperty('code', 'conflict');
    await world.register(world.client('a'), 'a');
    const wrong = registry.updateHealth('orders', 'a', 'fine' as unknown as 'healthy');
    expect(await world.refusal(wrong)).toBeInstanceOf(ValidationError);
  });

  it('sets what outlives a lost lease', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const registration = await world.register(client, 'a');
    await world.run(world.client('o').registry.updateHealth('orders', 'a', 'maintenance'));
    await world.world.advance(100);
    client.network.isCut = true;
    await world.world.advance(3 * ttlMs);
    expect(await world.stored('a')).toBeUndefined();
    client.network.isCut = false;
    await world.world.advance(10_000);
    expect(registration.isRegistered).toBe(true);
    expect(await world.run(client.registry.get('orders', 'a'))).toMatchObject({ health: 'maintenance' });
  });

  it('sets a maintenance that the next process of the instance takes over', async () => {
    const world = await RegistryWorld.open();
    const crashing = world.client('a');
    await world.register(crashing, 'a');
    const operator = world.client('o');
    await world.run(operator.registry.updateHealth('orders', 'a', 'maintenance'));
    crashing.runtime.halt();
    const restarted = await world.register(world.client('a again'), 'a');
    expect(restarted.info.health).toBe('maintenance');
    await world.run(operator.registry.updateHealth('orders', 'a', 'healthy'));
    expect(await world.discovered(operator)).toEqual(['a']);
  });
});

describe('lastHeartbeatOf', () => {
  it('is the last renewal of the lease, by the backend', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a');
    const { registry, runtime } = world.client('o');
    await world.world.advance(10 * ttlMs);
    const heartbeat = await world.run(registry.lastHeartbeatOf('orders', 'a'));
    const ageMs = runtime.clock.wallMs() - (heartbeat?.getTime() ?? 0);
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeLessThanOrEqual(ttlMs / 3 + 100);
    expect(await world.run(registry.lastHeartbeatOf('orders', 'z'))).toBeUndefined();
  });
});
