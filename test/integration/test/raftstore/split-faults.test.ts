import { eraftpb, metapb } from '@flotilla/protocol';
import { changePeerCommand, errorOf, headerOf, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import {
  awaitRegions,
  getKey,
  isTiling,
  leaderOfKey,
  outline,
  putKey,
  regionsOn,
  runOnKey,
  splitAt,
} from './split-cluster.ts';

const smallLog = { logGcThreshold: 5, logGcMaxEntries: 20 };

/** A follower of the first region. */
async function followerOf(cluster: TestCluster): Promise<TestNode> {
  const leader = await cluster.awaitLeader();
  return cluster.nodes.find((node) => node !== leader)!;
}

const othersThan = (cluster: TestCluster, node: TestNode): number[] =>
  cluster.nodes.filter((other) => other !== node).map(({ storeId }) => storeId);

describe('a store that is cut off while a region is split', () => {
  it('splits it from the log, and follows both parts', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    const late = await followerOf(cluster);
    cluster.network.partition([othersThan(cluster, late)]);
    await splitAt(cluster, 'm');
    for (const key of ['b', 'y']) await putKey(cluster, key, '2');
    expect(regionsOn(late)).toHaveLength(1);
    const { snapshotsApplied } = late.store!.metrics();
    cluster.network.heal();
    await awaitRegions(cluster, 2);
    for (const key of ['b', 'y']) await cluster.until(`${key} is there`, () => cluster.valueOn(late, key) === '2');
    expect(late.store!.metrics().snapshotsApplied).toBe(snapshotsApplied);
    await cluster.close();
  });

  it('catches up by snapshots of the parts, without a trace of the whole', async () => {
    const cluster = await TestCluster.start(3, { config: smallLog });
    for (const key of ['a', 'x', 'y']) await putKey(cluster, key, 'old');
    const late = await followerOf(cluster);
    await cluster.until('the late store has it', () => cluster.valueOn(late, 'y') === 'old');
    cluster.network.partition([othersThan(cluster, late)]);
    await splitAt(cluster, 'm');
    await splitAt(cluster, 't');
    for (let number = 0; number < 60; number += 1) {
      await putKey(cluster, `b${number}`, 'new');
      await putKey(cluster, `y${number}`, 'new');
    }
    await cluster.world.advance(1_000);
    cluster.network.heal();
    await awaitRegions(cluster, 3);
    for (const key of ['b59', 'y59'])
      await cluster.until(`${key} is there`, () => cluster.valueOn(late, key) === 'new');
    expect(late.store!.metrics().snapshotsApplied).toBeGreaterThanOrEqual(2);
    for (const key of ['a', 'x', 'y'])
      await cluster.until(`${key} is there`, () => cluster.valueOn(late, key) === 'old');
    const regions = regionsOn(late);
    cluster.crash(late);
    await cluster.restart(late);
    expect(regionsOn(late)).toEqual(regions);
    await putKey(cluster, 'z', '1');
    await cluster.until('the late store follows', () => cluster.valueOn(late, 'z') === '1');
    await cluster.close();
  });

  it('gives up the range that it is no member of any more', async () => {
    const cluster = await TestCluster.start(3, { config: smallLog });
    for (const key of ['a', 'y']) await putKey(cluster, key, 'old');
    const late = await followerOf(cluster);
    await cluster.until('the late store has it', () => cluster.valueOn(late, 'y') === 'old');
    cluster.network.partition([othersThan(cluster, late)]);
    const [, right] = await splitAt(cluster, 'm');
    await cluster.until('the scheduler knows', () =>
      cluster.scheduler.regions().some(({ region }) => region.id === right!.id),
    );
    cluster.scheduler.removePeer(right!.id, right!.peers.find(({ storeId }) => storeId === late.storeId)!);
    await cluster.until('the late store is no member', () => cluster.scheduler.isSettled(right!.id));
    for (let number = 0; number < 60; number += 1) await putKey(cluster, `b${number}`, 'new');
    await cluster.world.advance(1_000);
    cluster.network.heal();
    await cluster.until('the left part is there', () => cluster.valueOn(late, 'b59') === 'new');
    await cluster.until('the right part is gone', () => cluster.valueOn(late, 'y') === undefined);
    expect(regionsOn(late).map(({ id }) => id)).toEqual([cluster.region.id]);
    expect(await getKey(cluster, 'y')).toBe('old');
    await cluster.close();
  });
});

describe('a leader that is cut off with a split that nobody else has', () => {
  it('has it answered as what became of it, and splits again', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    const { node: old, region } = leaderOfKey(cluster, 'a')!;
    cluster.network.partition([othersThan(cluster, old)]);
    const lost = old.store!.splitRegion({ regionId: region.id, splitKeys: [Buffer.from('m')] });
    await cluster.until('another leads', () => leaderOfKey(cluster, 'a')?.node !== old);
    await putKey(cluster, 'z', '1');
    cluster.network.heal();
    expect(errorOf(await cluster.run(lost))?.staleCommand).toBeDefined();
    expect(outline(regionsOn(old))).toEqual(['-1']);
    await splitAt(cluster, 'm');
    expect(outline(await awaitRegions(cluster, 2))).toEqual(['-2', 'm-2']);
    await cluster.close();
  });
});

describe('a crash while a region is split', () => {
  /** Fails one disk at its `writes`-th write from now on; tells whether it has. */
  function failAfter(node: TestNode, disk: 'kvDisk' | 'raftDisk', writes: number): () => boolean {
    let left = writes;
    let hasFailed = false;
    node[disk].faults = {
      write: () => {
        left -= 1;
        if (hasFailed || left >= 0) return undefined;
        hasFailed = true;
        return 'engineIo';
      },
    };
    return () => hasFailed;
  }

  for (const disk of ['kvDisk', 'raftDisk'] as const) {
    for (const role of ['leader', 'follower'] as const) {
      it(`leaves all parts or the whole, whichever write of the ${disk} of a ${role} it comes at`, async () => {
        for (let writes = 0; writes < 7; writes += 1) {
          const cluster = await TestCluster.start(3, { seed: writes + 1 });
          for (const key of ['a', 'z']) await putKey(cluster, key, '1');
          await cluster.world.advance(200);
          const { node: leader, region } = leaderOfKey(cluster, 'a')!;
          const node = role === 'leader' ? leader : cluster.nodes.find((other) => other !== leader)!;
          const hasFailed = failAfter(node, disk, writes);
          const splitKeys = ['h', 'p'].map((key) => Buffer.from(key));
          void leader.store!.splitRegion({ regionId: region.id, splitKeys });
          await cluster.world.runUntil(hasFailed, 1_000);
          node[disk].faults = {};
          cluster.crash(node, { keepsPageCache: writes % 2 === 0 });
          await cluster.restart(node);
          expect(isTiling(regionsOn(node))).toBe(true);
          expect([1, 3]).toContain(regionsOn(node).length);
          if (regionsOn(leaderOfKey(cluster, 'a')?.node ?? node).length === 1) {
            await cluster.world.advance(3_000);
            if (leaderOfKey(cluster, 'z')?.region.startKey.length === 0) await splitAt(cluster, 'h', 'p');
          }
          await awaitRegions(cluster, 3);
          for (const key of ['b', 'k', 'y']) await putKey(cluster, key, '2');
          for (const key of ['b', 'k', 'y'])
            await cluster.until(`${key} is there`, () => cluster.valueOn(node, key) === '2');
          for (const key of ['a', 'z']) expect(await getKey(cluster, key)).toBe('1');
          await cluster.close();
        }
      });
    }
  }

  it('of every store at once loses nothing of a split that was answered', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    await splitAt(cluster, 'm');
    for (const node of cluster.nodes) cluster.crash(node);
    for (const node of cluster.nodes) await cluster.restart(node);
    await awaitRegions(cluster, 2);
    await putKey(cluster, 'z', '1');
    expect(await getKey(cluster, 'a')).toBe('1');
    await cluster.close();
  });
});

describe('splits and changes of membership', () => {
  it('each count in the epoch, and the later of two that were made for one epoch is refused', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    const fourth = await cluster.addNode();
    const { node, region } = leaderOfKey(cluster, 'a')!;
    const peer = { id: cluster.scheduler.allocId(), storeId: fourth.storeId, role: 0 } as const;
    cluster.scheduler.addPeer(region.id, peer);
    const split = node.store!.splitRegion({ regionId: region.id, splitKeys: [Buffer.from('m')] });
    await cluster.run(split);
    await cluster.until('the fourth is a member', () => cluster.scheduler.isSettled(region.id));
    if (errorOf(await cluster.run(split)) !== undefined) await splitAt(cluster, 'm');
    const left = leaderOfKey(cluster, 'a')!.region;
    expect(left.regionEpoch?.version).toBe(2);
    expect(left.regionEpoch?.confVer).toBe((region.regionEpoch?.confVer ?? 0) + 1);
    const parts = await splitAt(cluster, 'f');
    expect(parts.map(({ peers }) => peers.length)).toEqual([4, 4]);
    await cluster.until(
      'the fourth has both',
      () => regionsOn(fourth).filter(({ startKey }) => startKey.length < 2).length >= 2,
    );
    await putKey(cluster, 'g', '1');
    await cluster.until('the fourth follows', () => cluster.valueOn(fourth, 'g') === '1');
    await cluster.close();
  });

  it('keep learners learners', async () => {
    const cluster = await TestCluster.start(3);
    const fourth = await cluster.addNode();
    const learner = { id: cluster.scheduler.allocId(), storeId: fourth.storeId, role: metapb.PeerRole.Learner };
    const { AddLearnerNode } = eraftpb.ConfChangeType;
    await runOnKey(cluster, 'a', ({ node, region }) =>
      node.store!.execute(changePeerCommand(headerOf(region), AddLearnerNode, learner)),
    );
    const parts = await splitAt(cluster, 'm');
    for (const { peers } of parts) expect(peers.map(({ role }) => role)).toEqual([0, 0, 0, 1]);
    await putKey(cluster, 'z', '1');
    await cluster.until('the learner follows', () => cluster.valueOn(fourth, 'z') === '1');
    await cluster.close();
  });
});
