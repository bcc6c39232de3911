import type { Random } from '@flotilla/runtime';
import { RegisterClient, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/** Orders one change of membership, unless one is under way: between two and five replicas. */
function changeMembers(cluster: TestCluster, random: Random): void {
  const { region, scheduler } = cluster;
  if (!scheduler.isSettled(region.id)) return;
  const without = cluster.nodes.filter((node) => !region.peers.some((peer) => peer.storeId === node.storeId));
  const shrinks = region.peers.length > 2 && (without.length === 0 || random.fraction() < 0.5);
  if (shrinks) {
    scheduler.removePeer(region.id, region.peers[random.integer(0, region.peers.length)]!);
    return;
  }
  const node = without[random.integer(0, without.length)];
  if (node === undefined) return;
  scheduler.addPeer(region.id, { id: scheduler.allocId(), storeId: node.storeId, role: 0 });
}

async function crashOrRestart(cluster: TestCluster, random: Random): Promise<void> {
  const down = cluster.nodes.find((node) => node.store === undefined);
  if (down !== undefined) {
    await cluster.restart(down);
    return;
  }
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)]!;
  cluster.crash(node, { keepsPageCache: random.fraction() < 0.5 });
}

async function run(seed: number): Promise<void> {
  const config = { logGcThreshold: 10, logGcMaxEntries: 30, snapshotGcIntervalMs: 2_000 };
  const cluster = await TestCluster.start(3, { seed, config });
  await cluster.addNode();
  await cluster.addNode();
  const random = cluster.world.random.fork('faults');
  const clients = Array.from({ length: 3 }, (_, number) => new RegisterClient(cluster, String(number)));
  cluster.network.faults = { drop: 0.02, duplicate: 0.05, minDelayMs: 1, maxDelayMs: 20 };
  for (let round = 0; round < 40; round += 1) {
    if (random.fraction() < 0.5) changeMembers(cluster, random);
    if (random.fraction() < 0.3) await crashOrRestart(cluster, random);
    for (let step = 0; step < 15; step += 1) {
      const target = cluster.leader() ?? cluster.nodes[random.integer(0, 5)]!;
      for (const client of clients) client.step(target, 3_000);
      await cluster.world.advance(random.integer(5, 60));
    }
  }
  cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
  for (const node of cluster.nodes) if (node.store === undefined) await cluster.restart(node);
  await cluster.world.advance(10_000);
  for (const client of clients) client.check(await cluster.get(client.key));
  expect(clients.flatMap((client) => client.complaints)).toEqual([]);
  // A data deletion that a power cut took back is made up for by the next start.
  for (const node of cluster.nodes) await cluster.stop(node);
  for (const node of cluster.nodes) await cluster.restart(node);
  await cluster.until('members have all and the others nothing', () =>
    cluster.nodes.every((node) => isTidy(cluster, node)),
  );
  expect(cluster.nodes.map((node) => node.fatal?.message)).toEqual(new Array(5).fill(undefined));
  await cluster.close();
}

/** A member of the region holds what its leader holds; a store that is no member has neither peer nor data. */
function isTidy(cluster: TestCluster, node: TestNode): boolean {
  const leader = cluster.leader();
  if (leader === undefined) return false;
  const isMember = cluster.regionOn(leader).peers.some((peer) => peer.storeId === node.storeId);
  const status = cluster.statusOf(node);
  const values = (one: TestNode) => [0, 1, 2].map((number) => cluster.valueOn(one, `register ${number}`));
  if (!isMember) return status === undefined && values(node).every((value) => value === undefined);
  return (
    String(values(node)) === String(values(leader)) &&
    status?.region?.peers.length === cluster.regionOn(leader).peers.length
  );
}

describe('under changes of membership, crashes and loss', () => {
  const seeds = Number(process.env['FLOTILLA_SEEDS'] ?? 8);
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`every read is linearizable and nothing acknowledged is lost, from seed ${seed}`, () => run(seed));
  }
});
