import { dataKey } from '@flotilla/engine';
import { flotillapb } from '@flotilla/protocol';
import { type Inconsistency, testRaftStoreConfig } from '@flotilla/raftstore';
import { checkConsistency, errorOf, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const { Matched, Mismatched } = flotillapb.RegionHashState;

/** Changes a value behind the store's back, as a defect or a failing disk would. */
async function corrupt(node: TestNode, key: string): Promise<void> {
  const batch = node.kvEngine.batch();
  batch.put(dataKey('write', Buffer.from(key)), Buffer.from('not what was written'));
  await node.kvEngine.write(batch, { sync: false });
}

function inconsistenciesOf(nodes: readonly TestNode[]): Inconsistency[] {
  const found: Inconsistency[] = [];
  for (const node of nodes) node.store!.inconsistencies.subscribe((one) => found.push(one));
  return found;
}

describe('a consistency check', () => {
  it('finds replicas equal while they are written to', async () => {
    const cluster = await TestCluster.start(3);
    const found = inconsistenciesOf(cluster.nodes);
    const leader = await cluster.awaitLeader();
    for (let round = 0; round < 5; round += 1) {
      const writes = Array.from({ length: 40 }, (_, number) =>
        leader.store!.execute(putCommand(headerOf(cluster.regionOn(leader)), `k${number}`, `${round}`)),
      );
      const hashes = await checkConsistency(cluster);
      expect([...hashes.values()].map(({ state }) => state)).toEqual([Matched, Matched, Matched]);
      const [first, ...others] = [...hashes.values()].map(({ hash }) => Buffer.from(hash).toString('hex'));
      expect(first).toHaveLength(64);
      for (const other of others) expect(other).toBe(first);
      for (const result of await cluster.run(Promise.all(writes))) expect(errorOf(result)).toBeUndefined();
    }
    expect(found).toEqual([]);
    for (const node of cluster.nodes) expect(node.store!.metrics().consistencyChecks).toBe(5);
    await cluster.close();
  });

  it('says loudly which replica differs, and the store goes on', async () => {
    const cluster = await TestCluster.start(3);
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const damaged = cluster.nodes.find((node) => node !== leader)!;
    const found = inconsistenciesOf(cluster.nodes);
    await corrupt(damaged, 'k');
    const hashes = await checkConsistency(cluster);
    for (const [node, { state }] of hashes) expect(state).toBe(node === damaged ? Mismatched : Matched);
    const status = cluster.statusOf(damaged)!;
    const { hash: expected, index } = hashes.get(leader)!;
    const peerId = status.peer!.id;
    expect(found).toEqual([{ regionId: cluster.region.id, peerId, index, expected, found: hashes.get(damaged)!.hash }]);
    expect(status.isInconsistent).toBe(true);
    expect(cluster.statusOf(leader)!.isInconsistent).toBe(false);
    expect(damaged.store!.metrics().inconsistencies).toBe(1);
    expect(damaged.logger.messages('error')).toEqual(["a replica's data are not those of its leader"]);
    await cluster.put('later', '1');
    await cluster.until('the store goes on', () => cluster.valueOn(damaged, 'later') === '1');
    await cluster.close();
  });

  it('stops the store that differs when it is configured to', async () => {
    const cluster = await TestCluster.start(3, { config: { stopOnInconsistency: true } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const damaged = cluster.nodes.find((node) => node !== leader)!;
    await corrupt(damaged, 'k');
    await cluster.run(leader.store!.checkConsistency(cluster.region.id));
    await cluster.until('the store stops', () => damaged.fatal !== undefined);
    expect(damaged.fatal?.code).toBe('inconsistent');
    await cluster.put('later', '1');
    expect(leader.fatal).toBeUndefined();
    cluster.crash(damaged);
    await cluster.close();
  });

  it('is refused by a store that does not lead the region, or has none', async () => {
    const cluster = await TestCluster.start(2);
    const leader = await cluster.awaitLeader();
    const follower = cluster.nodes.find((node) => node !== leader)!;
    const refused = await cluster.run(follower.store!.checkConsistency(cluster.region.id));
    expect(refused).toMatchObject({ type: 'refused', error: { notLeader: { leader: { storeId: leader.storeId } } } });
    const unknown = await cluster.run(leader.store!.checkConsistency(77));
    expect(unknown).toMatchObject({ type: 'refused', error: { regionNotFound: { regionId: 77 } } });
    expect(leader.store!.regionHash(77)).toBeUndefined();
    await cluster.close();
  });

  it('runs by itself when an interval is configured, and else never', async () => {
    for (const [consistencyCheckIntervalMs, checks] of [
      [1_000, 5],
      [0, 0],
    ] as const) {
      const cluster = await TestCluster.start(3, { config: { consistencyCheckIntervalMs } });
      const before = cluster.nodes.map((node) => node.store!.metrics().consistencyChecks);
      await cluster.world.advance(5_000);
      for (const [number, node] of cluster.nodes.entries()) {
        expect(node.store!.metrics().consistencyChecks - before[number]!).toBe(checks);
        if (checks > 0) expect(node.store!.regionHash(cluster.region.id)?.state).toBe(Matched);
      }
      await cluster.close();
    }
    expect(testRaftStoreConfig.consistencyCheckIntervalMs).toBe(0);
  });

  it('raises no false alarm after a crash that lost some of the writes and kept others', async () => {
    const cluster = await TestCluster.start(3);
    for (let round = 0; round < 8; round += 1) {
      const leader = await cluster.awaitLeader();
      const victim = cluster.nodes.find((node) => node !== leader)!;
      for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, `${round}`);
      await cluster.run(leader.store!.checkConsistency(cluster.region.id));
      // Writes after the check: a start that applied the check again over them would find another hash.
      for (let number = 0; number < 5; number += 1) await cluster.put(`later ${round} ${number}`, 'x');
      await cluster.until('the victim follows', () => cluster.valueOn(victim, `later ${round} 4`) === 'x');
      cluster.crash(victim, { keepsPageCache: round % 2 === 0 });
      await cluster.restart(victim);
      await cluster.put('after', `${round}`);
      await cluster.until('the victim is back', () => cluster.valueOn(victim, 'after') === `${round}`);
      expect(victim.store!.metrics().inconsistencies).toBe(0);
    }
    for (const { state } of (await checkConsistency(cluster)).values()) expect(state).toBe(Matched);
    await cluster.close();
  });

  it('does not outlive its store', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    await cluster.put('k', 'v');
    const check = node!.store!.checkConsistency(cluster.region.id);
    await cluster.stop(node!);
    expect(['hashed', 'refused']).toContain((await cluster.run(check)).type);
  });
});
