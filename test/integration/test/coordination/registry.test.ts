import {
  createServiceRegistry,
  type Registration,
  type ServiceList,
  type ServiceRegistry,
} from '@flotilla/coordination';
import type { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { connectProcess, coordinationLeader, startCoordinationCluster } from './coordination-cluster.ts';

const ttlMs = 10_000;
const ids = ['a', 'b', 'c', 'd'];

interface Process {
  readonly registry: ServiceRegistry;
  kill(): void;
}

interface Member extends Process {
  readonly registration: Registration;
}

function openRegistry(cluster: TestCluster, name: string): Process {
  const { backend, runtime, kill } = connectProcess(cluster, name);
  return { registry: createServiceRegistry({ backend, runtime, config: { ttlMs } }), kill };
}

async function registerAll(cluster: TestCluster): Promise<readonly Member[]> {
  const members: Member[] = [];
  for (const instanceId of ids) {
    const { registry, kill } = openRegistry(cluster, instanceId);
    const registering = registry.register({ name: 'orders', instanceId, address: '10.0.0.1:80' });
    members.push({ registry, kill, registration: await cluster.run(registering) });
  }
  return members;
}

/** Reads a watch for ever; the lists as they come. */
function follow(cluster: TestCluster, name: string): ServiceList[] {
  const lists: ServiceList[] = [];
  const { registry } = openRegistry(cluster, name);
  void (async () => {
    for await (const list of registry.watch('orders')) lists.push(list);
  })();
  return lists;
}

const idsOf = (list: ServiceList | undefined): string[] => (list?.instances ?? []).map(({ instanceId }) => instanceId);

describe('the registry over a cluster', () => {
  it('keeps every instance while leaders change and stores crash, one at a time', async () => {
    await using cluster = await startCoordinationCluster(3);
    const members = await registerAll(cluster);
    const lists = follow(cluster, 'watcher');
    await cluster.sleep(1_000);
    for (const node of cluster.nodes) {
      await cluster.orders.transferLeader(coordinationLeader(cluster).region.id, node);
      await cluster.sleep(ttlMs);
      cluster.crash(node);
      await cluster.sleep(2 * ttlMs);
      await cluster.restart(node);
      await cluster.sleep(ttlMs);
    }
    expect(members.every(({ registration }) => registration.isRegistered)).toBe(true);
    // Nobody was ever missing: leases are not cut short by a change of leader.
    for (const list of lists) expect(idsOf(list)).toEqual(ids);
    expect(lists.at(-1)).toMatchObject({ isStale: false, isProtected: false });
  });

  it('goes on when its leader is cut off from the other stores', async () => {
    await using cluster = await startCoordinationCluster(3);
    const members = await registerAll(cluster);
    const lists = follow(cluster, 'watcher');
    await cluster.sleep(1_000);
    const { node } = coordinationLeader(cluster);
    const others = cluster.nodes.filter((other) => other !== node).map(({ storeId }) => storeId);
    cluster.network.partition([[node.storeId], others]);
    await cluster.sleep(3 * ttlMs);
    expect(members.every(({ registration }) => registration.isRegistered)).toBe(true);
    const { registry } = openRegistry(cluster, 'late');
    await cluster.run(registry.register({ name: 'orders', instanceId: 'e', address: '10.0.0.1:80' }));
    await cluster.sleep(ttlMs);
    expect(idsOf(lists.at(-1))).toEqual([...ids, 'e']);
    cluster.network.heal();
    await cluster.sleep(ttlMs);
    expect(lists.at(-1)).toMatchObject({ isStale: false });
    expect(idsOf(lists.at(-1))).toEqual([...ids, 'e']);
  });

  it('says that it is stale while no majority is left for longer than the ttl, and converges afterwards', async () => {
    await using cluster = await startCoordinationCluster(3);
    const members = await registerAll(cluster);
    const lists = follow(cluster, 'watcher');
    await cluster.sleep(1_000);
    cluster.network.partition(cluster.nodes.map(({ storeId }) => [storeId]));
    await cluster.sleep(3 * ttlMs);
    expect(lists.at(-1)?.isStale).toBe(true);
    expect(idsOf(lists.at(-1))).toEqual(ids);
    expect(members.some(({ registration }) => registration.isRegistered)).toBe(false);
    // One process dies while nobody can see it.
    members[0]?.kill();
    cluster.network.heal();
    await cluster.sleep(3 * ttlMs);
    expect(lists.at(-1)).toMatchObject({ isStale: false, isProtected: false });
    expect(idsOf(lists.at(-1))).toEqual(ids.slice(1));
    expect(members.slice(1).every(({ registration }) => registration.isRegistered)).toBe(true);
  });

  it('drops an instance within two seconds of its ttl after the last change of leader', async () => {
    await using cluster = await startCoordinationCluster(3);
    const members = await registerAll(cluster);
    const lists = follow(cluster, 'watcher');
    await cluster.sleep(1_000);
    members[1]?.kill();
    const diedAtMs = cluster.world.nowMs;
    await cluster.sleep(ttlMs / 2);
    const { region, node } = coordinationLeader(cluster);
    const next = cluster.nodes.find((other) => other !== node);
    if (next === undefined) throw new Error('there is another store');
    await cluster.orders.transferLeader(region.id, next);
    const changedAtMs = cluster.world.nowMs;
    await cluster.until('it is gone', () => idsOf(lists.at(-1)).join() === 'a,c,d');
    expect(cluster.world.nowMs - diedAtMs).toBeGreaterThanOrEqual(ttlMs - ttlMs / 3);
    expect(cluster.world.nowMs - changedAtMs).toBeLessThanOrEqual(ttlMs + 2_000);
  });

  it('bears links that lose, double and delay what passes', async () => {
    await using cluster = await startCoordinationCluster(3, { seed: 7 });
    const members = await registerAll(cluster);
    const faults = { minDelayMs: 1, maxDelayMs: 200, drop: 0.05, duplicate: 0.05 };
    const calm = cluster.network.clientFaults;
    cluster.network.clientFaults = faults;
    const lists = follow(cluster, 'watcher');
    for (let round = 1; round <= 10; round += 1) {
      const { registration } = members[round % ids.length] as Member;
      await cluster.run(registration.setMetadata({ round: String(round) }));
      await cluster.sleep(3_000);
    }
    cluster.network.clientFaults = calm;
    await cluster.sleep(3 * ttlMs);
    expect(members.every(({ registration }) => registration.isRegistered)).toBe(true);
    expect(idsOf(lists.at(-1))).toEqual(ids);
    expect(lists.at(-1)?.instances.map(({ metadata }) => metadata['round'])).toEqual(['8', '9', '10', '7']);
  });
});
