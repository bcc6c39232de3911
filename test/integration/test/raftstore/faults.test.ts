import type { Random } from '@flotilla/runtime';
import { RegisterClient, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/** One round of trouble; what it breaks is mended by `calm`. */
async function disturb(cluster: TestCluster, random: Random): Promise<void> {
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)]!;
  const others = cluster.nodes.filter((one) => one !== node).map((one) => one.storeId);
  switch (random.integer(0, 6)) {
    case 0:
      await toggle(cluster, node, random.fraction() < 0.5);
      return;
    case 1:
      cluster.network.partition([[node.storeId], others]);
      return;
    case 2:
      cluster.network.heal();
      return;
    case 3:
      cluster.network.cut(node.storeId, others[random.integer(0, others.length)]!);
      return;
    case 4:
      cluster.network.faults = { drop: 0.1, duplicate: 0.1, minDelayMs: 1, maxDelayMs: 60 };
      return;
    default: {
      const peer = cluster.region.peers.find((one) => one.storeId === node.storeId);
      if (peer !== undefined) cluster.scheduler.transferLeader(cluster.region.id, peer);
    }
  }
}

async function toggle(cluster: TestCluster, node: TestNode, keepsPageCache: boolean): Promise<void> {
  if (node.store === undefined) await cluster.restart(node);
  else if (cluster.nodes.filter((one) => one.store === undefined).length === 0) cluster.crash(node, { keepsPageCache });
}

async function calm(cluster: TestCluster): Promise<void> {
  cluster.network.heal();
  cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
  for (const node of cluster.nodes) if (node.store === undefined) await cluster.restart(node);
}

/** Runs clients against trouble, then checks; returns what happened, so that two runs can be compared. */
async function run(seed: number, rounds: number): Promise<string> {
  const cluster = await TestCluster.start(3, { seed, config: { logGcThreshold: 10, logGcMaxEntries: 30 } });
  const random = cluster.world.random.fork('faults');
  const clients = Array.from({ length: 5 }, (_, number) => new RegisterClient(cluster, String(number)));
  for (let round = 0; round < rounds; round += 1) {
    await disturb(cluster, random);
    for (let step = 0; step < 20; step += 1) {
      for (const client of clients) {
        const target = cluster.leader() ?? cluster.nodes[random.integer(0, 3)]!;
        client.step(random.fraction() < 0.8 ? target : cluster.nodes[random.integer(0, 3)]!, 3_000);
      }
      await cluster.world.advance(random.integer(5, 50));
    }
  }
  await calm(cluster);
  // What clients gave up on may still take effect; after this long nothing is under way.
  await cluster.world.advance(10_000);
  const summary: string[] = [];
  for (const client of clients) {
    const value = await cluster.get(client.key);
    client.check(value);
    summary.push(
      `${client.key}: ${value} of ${client.asked}, ${client.acknowledged} acknowledged, ${client.answered} answered`,
    );
    await cluster.until(`${client.key} is the same everywhere`, () =>
      cluster.nodes.every((node) => cluster.valueOn(node, client.key) === value),
    );
  }
  expect(clients.flatMap((client) => client.complaints)).toEqual([]);
  expect(cluster.nodes.map((node) => node.fatal)).toEqual([undefined, undefined, undefined]);
  const applied = cluster.nodes.map((node) => cluster.statusOf(node)?.appliedIndex);
  await cluster.close();
  return [...summary, `applied ${applied.join(' ')}`, `at ${cluster.world.nowMs}`].join('\n');
}

describe('under crashes, partitions, loss and transfers', () => {
  const seeds = Number(process.env['FLOTILLA_SEEDS'] ?? 12);
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`every read is linearizable and nothing acknowledged is lost, from seed ${seed}`, async () => {
      const summary = await run(seed, 25);
      expect(summary).toMatch(/[1-9]\d* acknowledged/);
    });
  }

  it('one seed gives one history', async () => {
    expect(await run(99, 15)).toBe(await run(99, 15));
  });
});
