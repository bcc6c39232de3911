import type { metapb } from '@flotilla/protocol';
import { type SimulatedClient, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { isTiling, outline, regionsOn } from './split-cluster.ts';

const pairsPerClient = 120;
const value = 'x'.repeat(60);

/** Puts the client's keys in an order of no order, with pauses. */
async function fill(client: SimulatedClient, prefix: string): Promise<void> {
  for (let number = 0; number < pairsPerClient; number += 1) {
    await client.put(`${prefix}${String((number * 37) % pairsPerClient).padStart(4, '0')}`, value);
    await client.runtime.timers.sleep(client.runtime.random.fraction() * 100);
  }
}

/** What may happen to a cluster next: crashes, partitions, changes of membership and leadership, splits in the middle. */
class Storm {
  readonly #cluster: TestCluster;
  readonly #random;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.random.fork('storm');
  }

  async next(): Promise<void> {
    await this.#cluster.world.advance(this.#upTo(1_000));
    await this.#pick([
      () => this.#crash([this.#pick(this.#cluster.nodes)]),
      () => this.#crash(this.#cluster.nodes),
      () => this.#partition(),
      () => this.#move(),
      () => this.#move(),
      () => this.#transfer(),
      () => this.#split(),
    ])();
  }

  async #crash(nodes: readonly TestNode[]): Promise<void> {
    for (const node of nodes) this.#cluster.crash(node, { keepsPageCache: this.#random.fraction() < 0.5 });
    await this.#cluster.world.advance(this.#upTo(1_500));
    for (const node of nodes) await this.#cluster.restart(node);
  }

  async #partition(): Promise<void> {
    const start = Math.floor(this.#upTo(5));
    const ids = this.#cluster.nodes.map(({ storeId }) => storeId);
    const turned = [...ids.slice(start), ...ids.slice(0, start)];
    this.#cluster.network.partition([turned.slice(0, 3), turned.slice(3)]);
    await this.#cluster.world.advance(this.#upTo(3_000));
    this.#cluster.network.heal();
  }

  async #move(): Promise<void> {
    const { nodes, scheduler } = this.#cluster;
    const { region } = this.#pick(scheduler.regions());
    if (!scheduler.isSettled(region.id)) return;
    if (region.peers.length > 3) {
      scheduler.removePeer(region.id, this.#pick(region.peers));
      return;
    }
    const free = nodes.filter((node) => !region.peers.some(({ storeId }) => storeId === node.storeId));
    scheduler.addPeer(region.id, { id: scheduler.allocId(), storeId: this.#pick(free).storeId, role: 0 });
  }

  async #transfer(): Promise<void> {
    const { region } = this.#pick(this.#cluster.scheduler.regions());
    this.#cluster.scheduler.transferLeader(region.id, this.#pick(region.peers));
  }

  async #split(): Promise<void> {
    const { region, leader } = this.#pick(this.#cluster.scheduler.regions());
    void this.#cluster.nodeOf(leader.storeId)?.store?.splitRegion({ regionId: region.id, splitKeys: [] });
  }

  #upTo(limit: number): number {
    return this.#random.fraction() * limit;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.fraction() * list.length)] as T;
  }
}

/** Whether each member of each region, as the scheduler knows it, has the region so. */
function isSettled(cluster: TestCluster): boolean {
  const regions = cluster.scheduler.regions().map(({ region }) => region);
  const hasAsIs = (region: metapb.Region) => (peer: metapb.Peer) => {
    const status = cluster.statusOf(cluster.nodeOf(peer.storeId)!, region.id);
    const own = status?.region === undefined ? [] : outline([status.region]);
    return status?.peer?.id === peer.id && own[0] === outline([region])[0];
  };
  return isTiling(regions) && regions.every((region) => region.peers.every(hasAsIs(region)));
}

/** What a node's disk holds of a region. */
async function dump(node: TestNode, { startKey, endKey }: metapb.Region): Promise<string[]> {
  const dataKey = (key: Uint8Array): Buffer => Buffer.concat([Buffer.from('default_'), key]);
  const end = endKey.length === 0 ? Buffer.from('default`') : dataKey(endKey);
  return (await node.kvEngine.scan({ start: dataKey(startKey), end })).map(({ key }) => Buffer.from(key).toString());
}

describe('clients that write while regions split, move and lose stores', () => {
  for (const seed of [2, 3]) {
    it(`lose nothing, and every replica ends up the same, from seed ${seed}`, async () => {
      const config = { regionMaxBytes: 1_500, regionSplitBytes: 1_000, logGcThreshold: 5, logGcMaxEntries: 30 };
      const cluster = await TestCluster.start(3, {
        seed,
        config: { ...config, leaseReads: seed % 2 === 0 },
        syncMs: { min: 0, max: 20 },
      });
      for (let number = 0; number < 2; number += 1) await cluster.addNode();
      if (seed > 2) cluster.network.faults = { drop: 0.1, duplicate: 0.1, minDelayMs: 1, maxDelayMs: 50 };
      const patient = { requestTimeoutMs: 300_000, retryUnknownWrites: true, maxAttempts: 10_000 };
      const clients = ['a', 'g', 'p'].map((name) => [name, cluster.createClient(name, patient)] as const);
      let done = 0;
      const count = (): void => {
        done += 1;
      };
      const loads = clients.map(([name, client]) => fill(client, name).finally(count));
      const storm = new Storm(cluster);
      for (let moves = 0; done < clients.length && moves < 300; moves += 1) await storm.next();
      cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
      await cluster.run(Promise.all(loads), 300_000);
      await cluster.until('the regions are settled', () => isSettled(cluster), 120_000);
      await cluster.world.advance(5_000);
      const regions = cluster.scheduler.regions().map(({ region }) => region);
      expect(regions.length).toBeGreaterThan(15);
      for (const [, client] of clients) {
        const pairs = await cluster.run(client.scan());
        expect(pairs).toHaveLength(clients.length * pairsPerClient);
        expect(pairs.every((pair) => pair.value === value)).toBe(true);
      }
      for (const region of regions) {
        const members = cluster.nodes.filter((node) => regionsOn(node).some(({ id }) => id === region.id));
        const dumps = await Promise.all(members.map((node) => dump(node, region)));
        expect(new Set(dumps.map(String)).size).toBe(1);
      }
      for (const [, client] of clients) await client.close();
      await cluster.close();
    });
  }
});
