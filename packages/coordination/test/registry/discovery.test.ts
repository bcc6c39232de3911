import { describe, expect, it } from 'vitest';
import { CancelledError, ConnectionError, ValidationError } from '../../src/index.ts';
import { RegistryWorld, ttlMs } from './registry-world.ts';

describe('discover', () => {
  it('lists healthy instances only, in the order of their ids, unless asked for all', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const { registry } = client;
    for (const id of ['d', 'b', 'a', 'e', 'c']) await world.register(client, id);
    await world.run(registry.updateHealth('orders', 'b', 'unhealthy'));
    await world.run(registry.updateHealth('orders', 'c', 'maintenance'));
    await world.run(registry.updateHealth('orders', 'd', 'unknown'));
    await world.run(registry.setDraining('orders', 'e', true));
    expect(await world.discovered(client)).toEqual(['a']);
    const all = await world.run(registry.discover('orders', { includeUnhealthy: true }));
    expect(all.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(all).toMatchObject({ name: 'orders', isStale: false, staleSince: undefined, isProtected: false });
  });

  it('filters on metadata', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a', { zone: 'north', version: '1' });
    await world.register(client, 'b', { zone: 'north', version: '2' });
    await world.register(client, 'c', { zone: 'south', version: '2' });
    const idsOf = async (query: object): Promise<string[]> =>
      (await world.run(client.registry.discover('orders', query))).instances.map(({ instanceId }) => instanceId);
    expect(await idsOf({ metadata: { zone: 'north' } })).toEqual(['a', 'b']);
    expect(await idsOf({ metadata: { zone: 'north', version: '2' } })).toEqual(['b']);
    expect(await idsOf({ metadata: { constructor: 'x' } })).toEqual([]);
    expect(await idsOf({ where: ({ instanceId }: { instanceId: string }) => instanceId > 'a' })).toEqual(['b', 'c']);
  });

  it('sees all that was written before it was called, by whomever, however slow its watch is', async () => {
    const world = await RegistryWorld.open();
    const reader = world.client('r');
    const writer = world.client('w');
    expect(await world.discovered(reader)).toEqual([]);
    for (const id of ['a', 'b', 'c']) {
      await world.register(writer, id);
      expect(await world.discovered(reader)).toContain(id);
    }
    await world.run(writer.registry.deregister('orders', 'b'));
    expect(await world.discovered(reader)).toEqual(['a', 'c']);
    await world.run(writer.registry.updateHealth('orders', 'a', 'unhealthy'));
    expect(await world.discovered(reader)).toEqual(['c']);
  });

  it('answers from memory what is young enough', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a');
    await world.discovered(client);
    const reads = client.network.sent.get('range');
    const list = await world.run(client.registry.discover('orders', { maxAgeMs: 60_000 }));
    expect(list.instances).toHaveLength(1);
    expect(client.network.sent.get('range')).toBe(reads);
  });

  it('serves what it knew while the backend is away, says since when, and recovers', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('r');
    const { registry, network, runtime } = client;
    await world.register(world.client('a'), 'a');
    expect(await world.discovered(client)).toEqual(['a']);
    const confirmed = runtime.clock.wallMs();
    network.isCut = true;
    const stale = await world.run(registry.discover('orders'));
    expect(stale).toMatchObject({ isStale: true, staleSince: new Date(confirmed) });
    expect(stale.instances.map(({ instanceId }) => instanceId)).toEqual(['a']);
    await world.register(world.client('b'), 'b');
    expect((await world.run(registry.discover('orders', { maxAgeMs: 60_000 }))).isStale).toBe(true);
    network.isCut = false;
    const fresh = await world.run(registry.discover('orders'));
    expect(fresh).toMatchObject({ isStale: false, staleSince: undefined });
    expect(fresh.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
  });

  it('fails with a connection error when the backend is away and nothing is known', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('r');
    client.network.isCut = true;
    expect(await world.refusal(client.registry.discover('orders'))).toBeInstanceOf(ConnectionError);
    client.network.isCut = false;
    expect(await world.discovered(client)).toEqual([]);
  });

  it('honours its signal', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('r');
    client.network.isCut = true;
    const controller = new AbortController();
    const discovering = client.registry.discover('orders', { signal: controller.signal });
    await world.world.advance(100);
    controller.abort();
    expect(await world.refusal(discovering)).toBeInstanceOf(CancelledError);
  });

  it('skips what another tool wrote under the service, and reads what etcdctl put there', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a');
    const put = (key: string, value: string) =>
      world.run(world.backend.put({ key: Buffer.from(key), value: Buffer.from(value) }));
    await put('/services/orders/broken', 'not JSON');
    await put('/services/orders/deep/er', '{"address":"10.0.0.9:1"}');
    await put('/services/orders/by-hand', '{"address":"10.0.0.9:80","health":"healthy"}');
    expect(await world.discovered(client)).toEqual(['a', 'by-hand']);
    expect(await world.run(client.registry.get('orders', 'broken'))).toBeUndefined();
  });

  it('reads services of thousands of instances in pages, at one revision', async () => {
    const world = await RegistryWorld.open();
    for (let index = 0; index < 2_345; index += 1) {
      const key = Buffer.from(`/services/orders/i-${index}`);
      const value = Buffer.from(JSON.stringify({ address: '10.0.0.9:80', health: 'healthy' }));
      await world.backend.put({ key, value });
    }
    const client = world.client('r');
    expect((await world.run(client.registry.discover('orders'))).instances).toHaveLength(2_345);
    expect(client.network.sent.get('range')).toBe(3);
  });

  it('stops following a service that nobody asks for, and begins again when somebody does', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('r', { idleAfterMs: 60_000 });
    await world.discovered(client);
    await world.world.advance(59_000);
    await world.discovered(client);
    expect(client.network.sent.get('watch')).toBe(1);
    await world.world.advance(61_000);
    await world.register(world.client('a'), 'a');
    expect(await world.discovered(client)).toEqual(['a']);
    expect(client.network.sent.get('watch')).toBe(2);
  });
});

describe('names', () => {
  it('lists the services that have an instance, each once, apart from those with the same beginning', async () => {
    const world = await RegistryWorld.open();
    const { registry } = world.client('a');
    expect(await world.run(registry.names())).toEqual([]);
    for (const [name, instanceId] of [
      ['users', '1'],
      ['order', '1'],
      ['orders', '1'],
      ['orders', '2'],
    ] as const) {
      await world.run(registry.register({ name, instanceId, address: '10.0.0.1:80' }));
    }
    expect(await world.run(registry.names())).toEqual(['order', 'orders', 'users']);
    const { instances } = await world.run(registry.discover('order'));
    expect(instances).toHaveLength(1);
  });

  it('of services have bounds, and the call says what is wrong', async () => {
    const world = await RegistryWorld.open();
    const { registry } = world.client('a');
    const name = 'n'.repeat(255);
    await world.run(registry.register({ name, instanceId: name, address: '[::1]:65535' }));
    expect((await world.run(registry.discover(name))).instances).toHaveLength(1);
    for (const wrong of ['', `${name}n`, 'a/b', 'a\nb', 'é'.repeat(128)]) {
      expect(await world.refusal(registry.discover(wrong))).toBeInstanceOf(ValidationError);
      const registering = registry.register({ name: wrong, instanceId: 'a', address: '10.0.0.1:80' });
      expect(await world.refusal(registering)).toBeInstanceOf(ValidationError);
    }
    for (const address of ['10.0.0.1', ':80', '10.0.0.1:0', '10.0.0.1:65536', '::1:80', 'a b:80', 'http://a:80']) {
      const registering = registry.register({ name: 'orders', instanceId: 'a', address });
      expect(await world.refusal(registering)).toBeInstanceOf(ValidationError);
    }
    const large = { name: 'orders', instanceId: 'a', address: '10.0.0.1:80', metadata: { a: 'x'.repeat(65_536) } };
    expect(await world.refusal(registry.register(large))).toBeInstanceOf(ValidationError);
    expect(ttlMs).toBe(9_000);
  });
});
