import { createSeededRandom } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { BackendError, ConnectionError, type ServiceList, type ServiceWatch } from '../../src/index.ts';
import { RegistryWorld, ttlMs } from './registry-world.ts';

const idsOf = (list: ServiceList): string[] => list.instances.map(({ instanceId }) => instanceId);

async function next(world: RegistryWorld, watch: ServiceWatch): Promise<ServiceList> {
  const result = await world.run(watch.next());
  if (result.done === true) throw new Error('the watch has ended');
  return result.value;
}

/** Reads a watch to its end; the lists as they come. */
function readAll(watch: ServiceWatch): ServiceList[] {
  const lists: ServiceList[] = [];
  void (async () => {
    for await (const list of watch) lists.push(list);
  })();
  return lists;
}

describe('watch', () => {
  it('yields the full list at once, and again after each change', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a');
    const watch = world.client('w').registry.watch('orders');
    expect(idsOf(await next(world, watch))).toEqual(['a']);
    const registration = await world.register(client, 'b');
    expect(idsOf(await next(world, watch))).toEqual(['a', 'b']);
    await world.run(registration.updateHealth('unhealthy'));
    expect(idsOf(await next(world, watch))).toEqual(['a']);
    await world.run(registration.updateHealth('healthy'));
    expect(idsOf(await next(world, watch))).toEqual(['a', 'b']);
    await world.run(client.registry.deregister('orders', 'a'));
    expect(idsOf(await next(world, watch))).toEqual(['b']);
  });

  it('gives a slow reader the latest list alone, and never leaves it behind', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const registration = await world.register(client, 'a');
    const watch = world.client('w').registry.watch('orders');
    await next(world, watch);
    for (let version = 1; version <= 50; version += 1) {
      await world.run(registration.setMetadata({ version: String(version) }));
    }
    await world.world.advance(1_000);
    const list = await next(world, watch);
    expect(list.instances[0]?.metadata).toEqual({ version: '50' });
    let isAnswered = false;
    void watch.next().then(() => {
      isAnswered = true;
    });
    await world.world.advance(60_000);
    expect(isAnswered).toBe(false);
  });

  it('does not wake its reader for what its query leaves out', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    await world.register(client, 'a', { zone: 'north' });
    const lists = readAll(world.client('w').registry.watch('orders', { metadata: { zone: 'north' } }));
    await world.register(client, 'b', { zone: 'south' });
    await world.world.advance(1_000);
    expect(lists.map(idsOf)).toEqual([['a']]);
  });

  it('misses nothing between its list and its watch, whenever it begins', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const world = await RegistryWorld.open(seed);
      const random = createSeededRandom(seed);
      const expected = new Set<string>();
      const watcher = world.client('w');
      let lists: ServiceList[] = [];
      const beginAt = random.integer(0, 40);
      for (let write = 0; write < 40; write += 1) {
        if (write === beginAt) lists = readAll(watcher.registry.watch('orders'));
        const id = `i${random.integer(0, 6)}`;
        const key = Buffer.from(`/services/orders/${id}`);
        if (expected.delete(id)) await world.backend.delete({ key });
        else {
          expected.add(id);
          await world.backend.put({ key, value: Buffer.from('{"address":"10.0.0.1:80","health":"healthy"}') });
        }
        await world.world.advance(random.integer(0, 8));
      }
      // Whatever the guard keeps is let go by then.
      await world.world.advance(120_000);
      expect(idsOf(lists.at(-1) as ServiceList)).toEqual([...expected].sort());
    }
  });

  it('lives and dies apart from other watches of the same service', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const { registry } = world.client('w');
    const closed = registry.watch('orders');
    const returned = registry.watch('orders');
    const controller = new AbortController();
    const aborted = registry.watch('orders', { signal: controller.signal });
    const living = registry.watch('orders');
    for (const watch of [closed, returned, aborted, living]) expect(idsOf(await next(world, watch))).toEqual([]);
    const waiting = aborted.next();
    await closed.close();
    await returned.return?.();
    controller.abort();
    expect(await world.run(waiting)).toEqual({ done: true, value: undefined });
    expect(await world.run(closed.next())).toEqual({ done: true, value: undefined });
    expect(await world.run(returned.next())).toEqual({ done: true, value: undefined });
    await world.register(client, 'a');
    expect(idsOf(await next(world, living))).toEqual(['a']);
    await world.run(registry.close());
    expect(await world.run(living.next())).toEqual({ done: true, value: undefined });
  });

  it('begins with a list again when what it has to read is compacted', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    const watcher = world.client('w');
    await world.register(client, 'a');
    const lists = readAll(watcher.registry.watch('orders'));
    await world.world.advance(100);
    watcher.network.isCut = true;
    await world.register(client, 'b');
    await world.run(client.registry.deregister('orders', 'a'));
    const { revision } = await world.run(world.backend.put({ key: Buffer.from('/x'), value: Buffer.from('x') }));
    await world.run(world.backend.compact(revision));
    watcher.network.isCut = false;
    await world.world.advance(5_000);
    expect(idsOf(lists.at(-1) as ServiceList)).toEqual(['b']);
    await world.register(client, 'c');
    await world.world.advance(1_000);
    expect(idsOf(lists.at(-1) as ServiceList)).toEqual(['b', 'c']);
  });

  it('says when the backend is away, and when it is back', async () => {
    const world = await RegistryWorld.open();
    await world.register(world.client('a'), 'a');
    const watcher = world.client('w');
    const watch = watcher.registry.watch('orders');
    expect((await next(world, watch)).isStale).toBe(false);
    await world.world.advance(60_000);
    const cutAt = watcher.runtime.clock.wallMs();
    watcher.network.isCut = true;
    const stale = await next(world, watch);
    expect(stale.isStale).toBe(true);
    const sinceMs = (stale.staleSince?.getTime() ?? 0) - cutAt;
    expect(sinceMs).toBeGreaterThan(-6_000);
    expect(sinceMs).toBeLessThanOrEqual(0);
    watcher.network.isCut = false;
    expect(await next(world, watch)).toMatchObject({ isStale: false, staleSince: undefined });
  });

  it('waits for its first list while the backend is away', async () => {
    const world = await RegistryWorld.open();
    await world.register(world.client('a'), 'a');
    const watcher = world.client('w');
    watcher.network.isCut = true;
    const first = watcher.registry.watch('orders').next();
    await world.world.advance(60_000);
    watcher.network.isCut = false;
    expect((await world.run(first)).value.instances).toHaveLength(1);
  });

  it('rejects with what time cannot heal, and the next watch tries again', async () => {
    const world = await RegistryWorld.open();
    const { network, registry } = world.client('w');
    const range = network.range.bind(network);
    network.range = () => Promise.reject(new BackendError('permissionDenied', 'no right to read'));
    const error = await world.refusal(registry.watch('orders').next());
    expect(error).toBeInstanceOf(ConnectionError);
    network.range = range;
    expect(idsOf(await next(world, registry.watch('orders')))).toEqual([]);
  });
});

describe('protection against mass expiry', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];

  it('keeps listing instances that vanish together, says so, and lets them go in the end', async () => {
    const world = await RegistryWorld.open();
    const clients = ids.map((id) => world.client(id));
    for (const [index, client] of clients.entries()) await world.register(client, ids[index] as string);
    const lists = readAll(world.client('w').registry.watch('orders'));
    await world.world.advance(1_000);
    for (const client of clients.slice(1)) client.runtime.halt();
    await world.world.advance(2 * ttlMs);
    expect(await world.stored('b')).toBeUndefined();
    const kept = lists.at(-1) as ServiceList;
    expect(idsOf(kept)).toEqual(ids);
    expect(kept.isProtected).toBe(true);
    expect([...kept.retained]).toEqual(['b', 'c', 'd', 'e']);
    await world.world.advance(60_000);
    const last = lists.at(-1) as ServiceList;
    expect(idsOf(last)).toEqual(['a']);
    expect(last.isProtected).toBe(false);
  });

  it('takes who registers again at its word', async () => {
    const world = await RegistryWorld.open();
    const clients = ids.map((id) => world.client(id));
    for (const [index, client] of clients.entries()) await world.register(client, ids[index] as string);
    const reader = world.client('r');
    await world.discovered(reader);
    for (const { network } of clients) network.isCut = true;
    await world.world.advance(3 * ttlMs);
    expect(await world.run(world.backend.leases())).toEqual([]);
    const during = await world.run(reader.registry.discover('orders'));
    expect(idsOf(during)).toEqual(ids);
    expect(during.isProtected).toBe(true);
    for (const { network } of clients) network.isCut = false;
    await world.world.advance(10_000);
    const after = await world.run(reader.registry.discover('orders'));
    expect(idsOf(after)).toEqual(ids);
    expect(after).toMatchObject({ isProtected: false, isStale: false });
  });

  it('believes a service whose processes all leave', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    for (const id of ids) await world.register(client, id);
    const reader = world.client('r');
    expect(await world.discovered(reader)).toEqual(ids);
    const watch = reader.registry.watch('orders');
    await world.run(client.registry.close());
    expect(await world.discovered(reader)).toEqual([]);
    expect((await next(world, watch)).isProtected).toBe(false);
  });

  it('believes an operator who deregisters most of a service', async () => {
    const world = await RegistryWorld.open();
    const client = world.client('a');
    for (const id of ids) await world.register(client, id);
    const reader = world.client('r');
    await world.discovered(reader);
    for (const id of ids.slice(1)) await world.run(world.client(`o${id}`).registry.deregister('orders', id));
    expect(await world.discovered(reader)).toEqual(['a']);
  });
});
