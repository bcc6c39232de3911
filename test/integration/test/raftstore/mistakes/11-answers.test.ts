import { errorOf, getCommand, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { change, followerOf, peerOn } from '../membership/members.ts';

/** What became of commands: the name of the error, or `ok`; a second answer to one stops the store by itself. */
function collect(cluster: TestCluster, node: TestNode, count: number): string[] {
  const answers: string[] = [];
  const header = headerOf(cluster.regionOn(node));
  for (let number = 0; number < count; number += 1) {
    void node.store!.execute(putCommand(header, `c${number}`, node.name)).then((result) => {
      const error = errorOf(result);
      const names = error === undefined ? ['ok'] : Object.keys(error).filter((name) => name !== 'message');
      answers.push(names.filter((name) => name === 'ok' || error?.[name as 'staleCommand'] !== undefined).join());
    });
  }
  return answers;
}

// Mistake 11: callbacks: overwritten or from an old term → staleCommand; destroyed → regionNotFound; each called once.
describe('a command', () => {
  it('whose entry another leader overwrote is stale, and took no effect', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const old = await cluster.awaitLeader();
    const others = cluster.nodes.filter((node) => node !== old).map((node) => node.storeId);
    cluster.network.partition([others]);
    const answers = collect(cluster, old, 5);
    await cluster.awaitLeader(old);
    for (let number = 0; number < 10; number += 1) await cluster.put(`k${number}`, 'w');
    expect(answers).toEqual([]);
    cluster.network.heal();
    await cluster.until('all are answered', () => answers.length === 5);
    expect(answers).toEqual(new Array(5).fill('staleCommand'));
    await cluster.until('the old leader has caught up', () => cluster.valueOn(old, 'k9') === 'w');
    for (const node of cluster.nodes) expect(cluster.valueOn(node, 'c0')).toBeUndefined();
    await cluster.close();
  });

  it('from a term that has moved on is stale before it is proposed', async () => {
    const cluster = await TestCluster.start(3);
    const old = await cluster.awaitLeader();
    for (let count = 0; count < 3; count += 1) {
      const leader = await cluster.awaitLeader();
      cluster.crash(leader);
      await cluster.awaitLeader(leader);
      await cluster.restart(leader);
    }
    const leader = await cluster.awaitLeader();
    const header = { ...headerOf(cluster.regionOn(leader)), term: 1 };
    const result = await cluster.execute(leader, putCommand(header, 'k', 'v'));
    expect(errorOf(result)?.staleCommand).toBeDefined();
    expect(result.response.header?.currentTerm).toBe(cluster.statusOf(leader)?.term);
    expect(old.fatal).toBeUndefined();
    await cluster.close();
  });

  it('that a destroyed peer had under way has an unknown outcome, and the next one finds no region', async () => {
    const cluster = await TestCluster.start(3, { config: { maxLeaderMissingMs: 60_000 } });
    await cluster.put('k', 'v');
    const old = await cluster.awaitLeader();
    const peer = peerOn(cluster, old);
    const others = cluster.nodes.filter((node) => node !== old).map((node) => node.storeId);
    cluster.network.partition([others]);
    const answers = collect(cluster, old, 4);
    const header = headerOf(cluster.regionOn(old));
    let read: unknown;
    void old.store!.execute(getCommand(header, 'k')).then((result) => {
      read = errorOf(result);
    });
    await cluster.awaitLeader(old);
    await change(cluster, 'remove', peer);
    cluster.network.heal();
    await cluster.until('the peer is gone', () => old.store!.status().length === 0);
    await cluster.until('all are answered', () => answers.length === 4 && read !== undefined);
    expect(answers).toEqual(new Array(4).fill('outcomeUnknown'));
    const after = await cluster.execute(old, putCommand(header, 'k', 'w'));
    expect(errorOf(after)?.regionNotFound?.regionId).toBe(cluster.region.id);
    expect(followerOf(cluster)).toBeDefined();
    await cluster.close();
  });
});
