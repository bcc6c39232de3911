import { type SimulatedClient, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, isTiling, regionsOn, splitAt } from '../raftstore/split-cluster.ts';

const keyOf = (number: number): string => `k${String(number).padStart(4, '0')}`;

/** Writes keys one after another, each once it was acknowledged. */
async function fill(client: SimulatedClient, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) await client.put(keyOf(number), `v${number}`);
}

function expectAll(pairs: readonly { readonly key: string; readonly value: string }[], count: number): void {
  expect(pairs.map(({ key }) => key)).toEqual(Array.from({ length: count }, (_, number) => keyOf(number)));
  expect(pairs.map(({ value }) => value)).toEqual(Array.from({ length: count }, (_, number) => `v${number}`));
}

describe('a client', () => {
  it('writes, reads and scans on while regions split under it', async () => {
    const cluster = await TestCluster.start(3, { config: { regionMaxBytes: 1_500, regionSplitBytes: 1_000 } });
    const clients = Array.from({ length: 4 }, (_, number) => cluster.createClient(`${number}`));
    await cluster.run(
      Promise.all(clients.map((client, number) => fill(client, number * 100, number * 100 + 100))),
      120_000,
    );
    expect(regionsOn(cluster.nodes[0]!).length).toBeGreaterThan(4);
    for (const client of clients) expectAll(await cluster.run(client.scan()), 400);
    const [client] = clients;
    for (let number = 0; number < 400; number += 37) {
      expect(await cluster.run(client!.get(keyOf(number)))).toBe(`v${number}`);
    }
    await Promise.all(clients.map((one) => one.close()));
    await cluster.close();
  });

  it('that knew one region finds its keys in twenty', async () => {
    const cluster = await TestCluster.start(3);
    const client = cluster.createClient('old');
    await cluster.run(fill(client, 0, 200));
    for (let number = 190; number > 0; number -= 10) await splitAt(cluster, keyOf(number));
    await awaitRegions(cluster, 20);
    expectAll(await cluster.run(client.scan()), 200);
    await cluster.run(fill(client, 0, 200));
    await client.close();
    await cluster.close();
  });

  it('writes a batch over many regions, each part whole, although it knew one', async () => {
    const cluster = await TestCluster.start(3);
    const client = cluster.createClient('batches');
    await cluster.run(client.put(keyOf(0), 'v0'));
    await splitAt(cluster, ...[20, 40, 60, 80].map(keyOf));
    await awaitRegions(cluster, 5);
    const pairs = Array.from({ length: 100 }, (_, number) => ({
      key: Buffer.from(keyOf(number)),
      value: Buffer.from(`v${number}`),
    }));
    await cluster.run(client.raw.putMany(pairs));
    expectAll(await cluster.run(client.scan()), 100);
    await client.close();
    await cluster.close();
  });

  it('loses nothing that was acknowledged while stores crash and regions split', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const config = { regionMaxBytes: 1_500, regionSplitBytes: 1_000, logGcThreshold: 5, logGcMaxEntries: 40 };
      const cluster = await TestCluster.start(3, { seed, config, syncMs: { min: 0, max: 5 } });
      const client = cluster.createClient('load', {
        requestTimeoutMs: 60_000,
        retryUnknownWrites: true,
        maxAttempts: 1_000,
      });
      let isDone = false;
      const load = fill(client, 0, 150).finally(() => {
        isDone = true;
      });
      const random = cluster.world.random.fork('crashes');
      while (!isDone) {
        const node = cluster.nodes[Math.floor(random.fraction() * 3)]!;
        await cluster.world.advance(200 + random.fraction() * 800);
        cluster.crash(node, { keepsPageCache: random.fraction() < 0.5 });
        await cluster.world.advance(random.fraction() * 1_500);
        await cluster.restart(node);
        expect(isTiling(regionsOn(node))).toBe(true);
        await cluster.world.advance(1_500);
      }
      await cluster.run(load);
      expectAll(await cluster.run(client.scan()), 150);
      const { length } = regionsOn(cluster.nodes[0]!);
      expect(length).toBeGreaterThan(1);
      await client.close();
      await cluster.close();
    }
  });
});
