import { readFileSync } from 'node:fs';
import { createTestCluster, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { phoneBookSurvivesItsLeader } from '../cluster-example.ts';

describe('createTestCluster', () => {
  it('is shown in the README by exactly the code that runs here', async () => {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
    expect(read('../../README.md')).toContain(`\`\`\`ts\n${read('../cluster-example.ts')}\`\`\``);
    expect(await phoneBookSurvivesItsLeader()).toBe('1914 1917');
  });

  it('serves many callers at once, and scans', async () => {
    await using cluster = await createTestCluster();
    const names = Array.from({ length: 20 }, (_, number) => `k${String(number).padStart(2, '0')}`);
    await Promise.all(names.map((name) => cluster.client.put(Buffer.from(name), Buffer.from(name))));
    const before = cluster.clock.clock.monotonicMs();
    await Promise.all([cluster.advance(50), cluster.advance(100), cluster.client.get(Buffer.from('k00'))]);
    expect(cluster.clock.clock.monotonicMs() - before).toBe(100);
    const found: string[] = [];
    for await (const { key } of cluster.client.scan()) found.push(Buffer.from(key).toString());
    expect(found).toEqual(names);
  });

  it('complains about a promise that does not settle, and runs on', async () => {
    await using cluster = await createTestCluster({ stores: 1 });
    await expect(cluster.run(new Promise(() => {}), 100)).rejects.toThrow('the promise settled in time');
    await cluster.advance(10);
  });
});

describe('the simulated client', () => {
  it('tells an unknown outcome from one that certainly had no effect', async () => {
    const cluster = await TestCluster.start(3, { syncMs: { min: 5, max: 5 } });
    const client = cluster.createClient('a', { requestTimeoutMs: 2_000 });
    await cluster.run(client.put('k', '1'));
    const leader = await cluster.awaitLeader();
    const put = client.put('k', '2').catch((error: { code: string }) => error.code);
    await cluster.until('the put is in hand', () => leader.ledger.openCount > 0);
    cluster.crash(leader);
    expect(await cluster.run(put)).toBe('outcomeUnknown');
    for (const node of cluster.nodes) if (node.store !== undefined) cluster.crash(node);
    const refused = client.put('k', '3').catch((error: { code: string }) => error.code);
    expect(await cluster.run(refused)).toBe('unavailable');
    for (const node of cluster.nodes) await cluster.restart(node);
    expect(['1', '2']).toContain(await cluster.run(client.get('k')));
    await cluster.close();
  });

  it('breaks calls whose request or answer is lost', async () => {
    const cluster = await TestCluster.start(1);
    const client = cluster.createClient('a');
    cluster.network.clientFaults = { drop: 1, duplicate: 0, minDelayMs: 1, maxDelayMs: 5 };
    const lost = client.put('k', '1').catch((error: { code: string }) => error.code);
    expect(await cluster.run(lost)).toBe('outcomeUnknown');
    await cluster.close();
  });
});

describe('faults', () => {
  it('hold a paused node back until it is resumed, while the others go on', async () => {
    const cluster = await TestCluster.start(3);
    const client = cluster.createClient('a');
    await cluster.run(client.put('k', '1'));
    const paused = await cluster.awaitLeader();
    cluster.pause(paused);
    await cluster.run(client.put('k', '2')).catch(() => {});
    await cluster.run(client.put('k', '3'));
    expect(cluster.valueOn(paused, 'k')).toBe('1');
    cluster.resume(paused);
    await cluster.until('the paused node follows', () => cluster.valueOn(paused, 'k') === '3');
    await cluster.close();
  });

  it('keep both sides of a bridge apart but for the bridge', async () => {
    const cluster = await TestCluster.start(5);
    const [a, b, c, d, e] = cluster.nodes.map(({ storeId }) => storeId) as [number, number, number, number, number];
    cluster.network.bridge([a, b], c, [d, e]);
    const { network } = cluster;
    expect([network.isCut(a, b), network.isCut(a, d), network.isCut(d, a), network.isCut(c, a)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(network.isCut(c, e)).toBe(false);
    await cluster.put('k', '1');
    network.heal();
    expect(network.isCut(a, d)).toBe(false);
    await cluster.close();
  });

  it('lose what was written and not yet synced', async () => {
    const cluster = await TestCluster.start(1, { syncMs: { min: 5, max: 10 } });
    const [node] = cluster.nodes;
    const client = cluster.createClient('a');
    await cluster.run(client.delete('other'));
    const put = client.put('k', '1').catch((error: { code: string }) => error.code);
    await cluster.until(
      'the put waits for its sync',
      () => node!.ledger.openCount > 0 && node!.raftDisk.unsyncedCount > 0,
    );
    cluster.crash(node!);
    expect(await cluster.run(put)).toBe('outcomeUnknown');
    await cluster.restart(node!);
    expect(await cluster.run(client.get('k'))).toBeUndefined();
    await cluster.close();
  });
});

it('gives one history for one seed', async () => {
  const play = async (seed: number): Promise<string> => {
    const cluster = await TestCluster.start(3, { seed, syncMs: { min: 1, max: 4 } });
    cluster.network.faults = { drop: 0.1, duplicate: 0.1, minDelayMs: 1, maxDelayMs: 20 };
    const client = cluster.createClient('a');
    const history: string[] = [];
    for (let number = 0; number < 20; number += 1) {
      const outcome = await cluster.run(client.put(`k${number % 3}`, String(number)).then(() => 'ok', String));
      history.push(`${cluster.world.nowMs} ${outcome}`);
    }
    await cluster.close();
    return history.join('\n');
  };
  const first = await play(3);
  expect(await play(3)).toBe(first);
  expect(await play(4)).not.toBe(first);
});
