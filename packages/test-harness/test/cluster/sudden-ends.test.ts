import { errorOf, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/** What is left of a put on a single store that is struck at one of its effects. */
async function strike(effects: number, continuations: number) {
  const cluster = await TestCluster.start(1);
  const node = cluster.nodes[0] as TestNode;
  await cluster.put('k', 'before');
  const client = cluster.createClient('a');
  const hasStruck = cluster.strikeAt(node, effects, continuations, () => cluster.crash(node));
  const outcome = await cluster.run(
    client.put('k', 'after').then(
      () => 'ok',
      (error: { code: string }) => error.code,
    ),
  );
  await cluster.until('the strike', hasStruck);
  expect(node.fatal).toBeUndefined();
  await cluster.restart(node);
  const value = await cluster.get('k');
  await cluster.close();
  return { outcome, value };
}

describe('a strike', () => {
  it('ends a store at any of its effects, and what it had acknowledged is there', async () => {
    const seen = new Set<string>();
    for (let effects = 1; effects <= 8; effects += 1) {
      for (const continuations of [0, 1, 2, 3, 5, 8, 13, 21]) {
        const { outcome, value } = await strike(effects, continuations);
        seen.add(`${outcome} ${value}`);
        if (outcome === 'ok') expect(value).toBe('after');
      }
    }
    // Before the write was durable, between that and its acknowledgement, and after it.
    expect([...seen].sort()).toEqual(
      expect.arrayContaining(['ok after', 'outcomeUnknown after', 'outcomeUnknown before']),
    );
  });

  it('takes back what the store was about to send, and is over when the store ends otherwise', async () => {
    const cluster = await TestCluster.start(3);
    const leader = await cluster.awaitLeader();
    const sent: number[] = [];
    cluster.network.filter = (_, from) => {
      sent.push(from);
      return true;
    };
    cluster.strikeAt(leader, 1, 0, () => cluster.crash(leader));
    const result = leader.store!.execute(putCommand(headerOf(cluster.regionOn(leader)), 'k', 'v'));
    void result.then((answer) => expect(errorOf(answer)).toBeDefined());
    await cluster.until('the strike', () => leader.store === undefined);
    expect(sent).not.toContain(leader.storeId);
    const follower = cluster.nodes.find((node) => node.store !== undefined)!;
    const isOver = cluster.strikeAt(follower, 1_000_000, 0, () => expect.unreachable());
    expect(isOver()).toBe(false);
    cluster.crash(follower);
    expect(isOver()).toBe(true);
    await cluster.restart(leader);
    await cluster.restart(follower);
    await cluster.close();
  });
});

describe('a task worker', () => {
  it('that dies in the middle of a snapshot is replaced, and the replica gets its data', async () => {
    const cluster = await TestCluster.start(2);
    for (let number = 0; number < 20; number += 1) await cluster.put(`k${number}`, 'v');
    const fates: string[] = [];
    for (const node of cluster.nodes) {
      node.taskFate = (worker) => {
        if (worker !== 'region' || fates.length >= 4) return undefined;
        fates.push(node.name);
        return { type: fates.length % 2 === 0 ? 'hangs' : 'dies', afterCalls: fates.length };
      };
    }
    const [first] = cluster.nodes;
    first!.config = { taskDeadlineMs: 500 };
    const newcomer = cluster.createNode();
    newcomer.config = { taskDeadlineMs: 500 };
    newcomer.taskFate = first!.taskFate;
    await cluster.open(newcomer);
    cluster.crash(first!);
    await cluster.restart(first!);
    await cluster.addPeer(newcomer);
    await cluster.until('all is there', () => cluster.valueOn(newcomer, 'k19') === 'v');
    expect(fates.length).toBeGreaterThan(0);
    await cluster.close();
  });
});

describe('the way to the scheduler', () => {
  it('may hang: its calls fail when it is replaced, heard or not', async () => {
    const cluster = await TestCluster.start(1);
    const link = cluster.nodes[0]!.schedulerLink!;
    const before = await cluster.run(link.allocId());
    link.hang(true);
    const heard = link.allocId().catch((error: { code: string }) => error.code);
    const abort = new AbortController();
    const given = link.allocId(abort.signal).catch((error: { code: string }) => error.code);
    abort.abort();
    expect(await cluster.run(given)).toBe('unavailable');
    link.replace();
    expect(await cluster.run(heard)).toBe('unavailable');
    link.hang(false);
    const unheard = link.allocId().catch((error: { code: string }) => error.code);
    await cluster.sleep(10);
    link.replace();
    expect(await cluster.run(unheard)).toBe('unavailable');
    expect(await cluster.run(link.allocId())).toBe(before + 3);
    await cluster.close();
  });
});

describe('a clock', () => {
  it('changes its pace while its node runs', async () => {
    const cluster = await TestCluster.start(1);
    const node = cluster.nodes[0] as TestNode;
    const ticksIn = async (ms: number): Promise<number> => {
      const before = node.store!.metrics().peerTicks;
      await cluster.sleep(ms);
      return node.store!.metrics().peerTicks - before;
    };
    const normal = await ticksIn(2_000);
    node.clockRate = 4;
    await cluster.sleep(200);
    expect(await ticksIn(2_000)).toBeCloseTo(normal * 4, -1);
    node.clockRate = 1;
    await cluster.sleep(200);
    expect(await ticksIn(2_000)).toBeCloseTo(normal, -1);
    await cluster.close();
  });
});
