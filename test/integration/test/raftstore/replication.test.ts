import { errorOf, getCommand, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('a single store', () => {
  it('serves what was put', async () => {
    const cluster = await TestCluster.start(1);
    await cluster.put('k', 'v');
    expect(await cluster.get('k')).toBe('v');
    expect(await cluster.get('absent')).toBeUndefined();
    await cluster.put('empty', '');
    expect(await cluster.get('empty')).toBe('');
    await cluster.close();
  });
});

describe('three stores', () => {
  it('replicate every write to each other', async () => {
    const cluster = await TestCluster.start(3);
    for (let number = 0; number < 20; number += 1) await cluster.put(`k${number}`, `v${number}`);
    await cluster.until('every replica has all', () =>
      cluster.nodes.every((node) => cluster.valueOn(node, 'k19') === 'v19'),
    );
    for (const node of cluster.nodes) {
      for (let number = 0; number < 20; number += 1) expect(cluster.valueOn(node, `k${number}`)).toBe(`v${number}`);
    }
    await cluster.close();
  });

  it('answer notLeader with the leader from a follower, for reads and writes', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    await cluster.until('the follower knows', () => cluster.statusOf(follower)?.leader?.storeId === leader.storeId);
    const header = headerOf(cluster.regionOn(leader));
    for (const command of [putCommand(header, 'k', 'w'), getCommand(header, 'k')]) {
      const error = errorOf(await cluster.execute(follower, command));
      expect(error?.notLeader?.leader?.storeId).toBe(leader.storeId);
    }
    expect(await cluster.get('k')).toBe('v');
    await cluster.close();
  });

  it('elect another leader when theirs crashes, and lose nothing', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('before', '1');
    const old = await cluster.awaitLeader();
    cluster.crash(old);
    const next = await cluster.awaitLeader(old);
    expect(next).not.toBe(old);
    await cluster.put('after', '2');
    expect(await cluster.get('before')).toBe('1');
    await cluster.restart(old);
    await cluster.until('the old leader has caught up', () => cluster.valueOn(old, 'after') === '2');
    await cluster.close();
  });
});
