import { spawnSync } from 'node:child_process';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe, expect, test } from 'vitest';
import { openEtcdBackend } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { NamedServer, NamesClient, tally, until } from './balancer/named-server.ts';
import { listWhere, openClient, type SuiteServer, testRegistry } from './registry-suite.ts';

function serverOf(etcd: EtcdProcess): SuiteServer {
  const runtime = createSystemRuntime({ logger: silentLogger });
  return {
    connect: async () => openEtcdBackend({ endpoints: [etcd.endpoint], runtime }),
    close: () => etcd.stop(),
  };
}

describe.skipIf(!isEtcdInstalled())('the registry over etcd', () => {
  testRegistry(async () => serverOf(await startEtcd()));

  test('writes what etcdctl shows', async () => {
    await using etcd = await startEtcd();
    const { registry, backend } = await openClient(serverOf(etcd));
    await registry.register({ name: 'orders', instanceId: 'a', address: '10.0.0.1:80', metadata: { zone: 'north' } });
    const shown = spawnSync('etcdctl', ['--endpoints', etcd.endpoint, 'get', '/services/orders/a'], {
      env: { ...process.env, ETCDCTL_API: '3' },
      encoding: 'utf8',
    });
    const [key, value] = shown.stdout.split('\n');
    expect(key).toBe('/services/orders/a');
    expect(JSON.parse(value ?? '')).toMatchObject({ address: '10.0.0.1:80', health: 'healthy', state: 'serving' });
    await registry.close();
    await backend.close();
  });

  test('serves what it knew while etcd is down for longer than the ttl, and converges when it is back', async () => {
    await using etcd = await startEtcd();
    const server = serverOf(etcd);
    const one = await openClient(server);
    const other = await openClient(server);
    const registration = await one.registry.register({ name: 'orders', instanceId: 'a', address: '10.0.0.1:80' });
    const watch = other.registry.watch('orders');
    await listWhere(watch, ({ instances }) => instances.length === 1);
    const lost = new Promise<void>((resolve) => {
      registration.events.subscribe(({ type }) => type === 'lost' && resolve());
    });
    await etcd.kill();
    const stale = await listWhere(watch, ({ isStale }) => isStale);
    expect(stale.instances).toHaveLength(1);
    expect(stale.staleSince).toBeInstanceOf(Date);
    await lost;
    expect(registration.isRegistered).toBe(false);
    const again = new Promise<void>((resolve) => {
      registration.events.subscribe(({ type }) => type === 'registered' && resolve());
    });
    etcd.start();
    await again;
    const fresh = await listWhere(watch, ({ isStale, instances }) => !isStale && instances.length === 1);
    expect(fresh.instances[0]?.registerTime).toEqual(registration.info.registerTime);
    for (const { registry, backend } of [one, other]) {
      await registry.close();
      await backend.close();
    }
  });

  test('balances calls over servers that come and go', async () => {
    await using etcd = await startEtcd();
    const { registry, backend } = await openClient(serverOf(etcd));
    const servers = [await new NamedServer('a').start(), await new NamedServer('b').start()];
    for (const { name, address } of servers) await registry.register({ name: 'names', instanceId: name, address });
    const client = new NamesClient(await registry.getConnection('names', 'roundRobin'));
    await until(async () => (await client.get({ waits: true })) === 'b');
    await until(async () => (await client.get()) === 'a');
    expect(tally(await client.names(40))).toEqual({ a: 20, b: 20 });
    await registry.deregister('names', 'a');
    await until(async () => !(await client.names(2)).includes('a'));
    expect(tally(await client.names(20))).toEqual({ b: 20 });
    await registry.close();
    await backend.close();
    for (const server of servers) server.kill();
  });
});
