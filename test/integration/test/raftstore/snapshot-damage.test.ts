import { flotillapb } from '@flotilla/protocol';
import { checkConsistency, type TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from './laggard.ts';

/** Damages one byte of the next `count` data files that the node receives, on their way to the disk. */
function damageNext(node: TestNode, count: number): { left: number } {
  const damage = { left: count };
  const create = node.snapshots.create.bind(node.snapshots);
  node.snapshots.create = async (name) => {
    const writer = await create(name);
    if (damage.left === 0 || !/^rev_.*_default$/.test(name)) return writer;
    damage.left -= 1;
    return {
      ...writer,
      write: (bytes) => {
        const copy = Uint8Array.from(bytes);
        copy[9] = (copy[9] ?? 0) ^ 1;
        return writer.write(copy);
      },
    };
  };
  return damage;
}

async function expectRecovered(cluster: TestCluster, node: TestNode): Promise<void> {
  await cluster.until('the laggard has all', () => cluster.valueOn(node, 'k59') === 'v59');
  expectWhole(cluster, node);
  await cluster.put('later', '1');
  await cluster.until('the laggard follows', () => cluster.valueOn(node, 'later') === '1');
  for (const { state } of (await checkConsistency(cluster)).values()) {
    expect(state).toBe(flotillapb.RegionHashState.Matched);
  }
}

describe('a received snapshot that turns out to be damaged', () => {
  it('is given up before anything is deleted, and another one is asked for', async () => {
    const { cluster, laggard } = await withLaggard();
    const damage = damageNext(laggard, 1);
    cluster.network.heal();
    await cluster.until('a damaged file was met', () => laggard.store!.metrics().snapshotsDamaged === 1);
    expect(cluster.valueOn(laggard, 'deleted')).toBe('early');
    expect(laggard.logger.messages('error')).toEqual(['a received snapshot is damaged; another one is asked for']);
    await expectRecovered(cluster, laggard);
    expect(damage.left).toBe(0);
    await cluster.close();
  });

  it('is replaced by a later one when the region has moved on', async () => {
    const { cluster, laggard } = await withLaggard();
    damageNext(laggard, 3);
    cluster.network.heal();
    for (let round = 1; round <= 3; round += 1) {
      await cluster.until(`damage ${round}`, () => laggard.store!.metrics().snapshotsDamaged >= round);
      for (let number = 0; number < 30; number += 1) await cluster.put(`round ${round} ${number}`, 'x');
    }
    await expectRecovered(cluster, laggard);
    expect(cluster.valueOn(laggard, 'round 3 29')).toBe('x');
    await cluster.close();
  });

  it('is asked for again after a crash, and by whoever leads then', async () => {
    const { cluster, laggard } = await withLaggard();
    damageNext(laggard, 1_000);
    cluster.network.heal();
    await cluster.until('damage', () => laggard.store!.metrics().snapshotsDamaged === 1);
    cluster.crash(laggard);
    const damage = damageNext(laggard, 1_000);
    await cluster.restart(laggard);
    await cluster.until('damage again', () => laggard.store!.metrics().snapshotsDamaged >= 2);
    const leader = await cluster.awaitLeader();
    cluster.crash(leader);
    damage.left = 0;
    // Two of three are left, and the laggard has neither data nor a say in what it has lost: nobody leads until it has.
    await cluster.world.advance(3_000);
    expectOld(cluster, laggard);
    await cluster.restart(leader);
    await cluster.awaitLeader();
    await expectRecovered(cluster, laggard);
    await cluster.close();
  });

  it('is found damaged on disk by a start that resumes, and is replaced', async () => {
    const { cluster, laggard } = await withLaggard();
    let writes = 0;
    laggard.kvDisk.faults = {
      write: () => {
        writes += 1;
        if (writes > 1) throw new Error('power cut');
        return undefined;
      },
    };
    cluster.network.heal();
    await cluster.until('the power is cut behind the first step', () => writes > 1);
    laggard.kvDisk.faults = {};
    cluster.crash(laggard, { keepsPageCache: true });
    const file = (await laggard.snapshots.list()).find(({ name }) => /^rev_.*_default$/.test(name))!;
    laggard.snapshots.flipBit(file.name, 11);
    await cluster.restart(laggard);
    await expectRecovered(cluster, laggard);
    expect(laggard.store!.metrics().snapshotsDamaged).toBe(1);
    await cluster.close();
  });

  it('does not keep its peer from being removed', async () => {
    const { cluster, laggard } = await withLaggard();
    damageNext(laggard, 1_000);
    cluster.network.heal();
    await cluster.until('damage', () => laggard.store!.metrics().snapshotsDamaged >= 1);
    const peer = cluster.region.peers.find((one) => one.storeId === laggard.storeId)!;
    cluster.scheduler.removePeer(cluster.region.id, peer);
    await cluster.until('the peer is removed', () => cluster.scheduler.isSettled(cluster.region.id));
    await cluster.until('the peer is gone', () => laggard.store!.status().length === 0);
    await cluster.close();
  });
});

describe('a generated snapshot that turns out to be damaged', () => {
  for (const [how, damage] of [
    ['changed', (node, name) => node.snapshots.flipBit(name, 9)],
    ['gone', (node, name) => node.snapshots.lose(name)],
  ] as const satisfies [string, (node: TestNode, name: string) => void][]) {
    it(`is generated again when a file of it is ${how}, although nothing is written`, async () => {
      const { cluster, laggard } = await withLaggard({ snapshotRetryBackoffMs: 10 });
      const others = cluster.nodes.filter((node) => node !== laggard);
      const generated = (node: TestNode) =>
        node.snapshots.names().find((name) => /^gen_.*_default$/.test(name) && node.snapshots.sizeOf(name) > 0);
      cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 20, maxDelayMs: 20 };
      cluster.network.heal();
      await cluster.until('a snapshot is generated', () => others.some((node) => generated(node) !== undefined));
      for (const node of others) {
        const name = generated(node);
        if (name !== undefined) damage(node, name);
      }
      await expectRecovered(cluster, laggard);
      await cluster.close();
    });
  }
});

function expectOld(cluster: TestCluster, node: TestNode): void {
  expect(cluster.valueOn(node, 'k59')).toBeUndefined();
}
