import { deleteCommand, headerOf, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const smallLog = { logGcThreshold: 5, logGcMaxEntries: 20, snapshotGcIntervalMs: 1_000 };

/** A cluster in which the last node has missed more than the log keeps. */
async function withLaggard(): Promise<{ readonly cluster: TestCluster; readonly laggard: TestNode }> {
  const cluster = await TestCluster.start(3, { config: smallLog });
  await cluster.put('kept', 'early');
  await cluster.put('deleted', 'early');
  const leader = await cluster.awaitLeader();
  const laggard = cluster.nodes.find((node) => node !== leader)!;
  await cluster.until('the laggard has the first writes', () => cluster.valueOn(laggard, 'deleted') === 'early');
  cluster.network.partition([cluster.nodes.filter((node) => node !== laggard).map((node) => node.storeId)]);
  await cluster.retry((node) => deleteCommand(headerOf(cluster.regionOn(node)), 'deleted'));
  for (let number = 0; number < 60; number += 1) await cluster.put(`k${number}`, `v${number}`);
  const behind = cluster.statusOf(laggard)?.lastIndex ?? 0;
  await cluster.until('the log is compacted past the laggard', () =>
    cluster.nodes.some((node) => node !== laggard && (cluster.statusOf(node)?.firstIndex ?? 0) > behind + 1),
  );
  return { cluster, laggard };
}

function expectWhole(cluster: TestCluster, node: TestNode): void {
  expect(cluster.valueOn(node, 'deleted')).toBeUndefined();
  expect(cluster.valueOn(node, 'kept')).toBe('early');
  for (let number = 0; number < 60; number += 1) expect(cluster.valueOn(node, `k${number}`)).toBe(`v${number}`);
}

describe('a store that has fallen behind the log', () => {
  it('catches up by a snapshot, in which a deletion holds, and holds across a restart', async () => {
    const { cluster, laggard } = await withLaggard();
    cluster.network.heal();
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    expect(laggard.store?.metrics().snapshotsApplied).toBeGreaterThan(0);
    expectWhole(cluster, laggard);
    cluster.crash(laggard);
    await cluster.restart(laggard);
    expectWhole(cluster, laggard);
    await cluster.put('later', '1');
    await cluster.until('the laggard follows', () => cluster.valueOn(laggard, 'later') === '1');
    await cluster.close();
  });

  it('collects the files of snapshots that nobody needs', async () => {
    const { cluster, laggard } = await withLaggard();
    cluster.network.heal();
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    for (let number = 0; number < 30; number += 1) await cluster.put(`more${number}`, 'x');
    await cluster.world.advance(5_000);
    for (const node of cluster.nodes) expect(await node.snapshots.list()).toEqual([]);
    await cluster.close();
  });

  it('takes nothing of a snapshot whose file was damaged on the way to the disk, and can be replaced', async () => {
    const { cluster, laggard } = await withLaggard();
    let damaged = 0;
    const create = laggard.snapshots.create.bind(laggard.snapshots);
    laggard.snapshots.create = async (name) => {
      const writer = await create(name);
      if (damaged > 0 || !name.endsWith('_default')) return writer;
      return {
        ...writer,
        write: async (bytes) => {
          damaged += 1;
          const copy = Uint8Array.from(bytes);
          copy[9] = (copy[9] ?? 0) ^ 1;
          await writer.write(copy);
        },
      };
    };
    cluster.network.heal();
    await cluster.until('a damaged file was met', () => laggard.logger.messages('error').length > 0);
    expect(damaged).toBeGreaterThan(0);
    expect(cluster.valueOn(laggard, 'deleted')).toBe('early');
    cluster.crash(laggard);
    await cluster.restart(laggard);
    await cluster.until('it was tried again', () => laggard.logger.messages('error').length > 1);
    const peer = cluster.region.peers.find((one) => one.storeId === laggard.storeId)!;
    cluster.scheduler.removePeer(cluster.region.id, peer);
    await cluster.until('the peer is removed', () => cluster.scheduler.isSettled(cluster.region.id));
    await cluster.addPeer(laggard);
    await cluster.until('the newer peer has all', () => cluster.valueOn(laggard, 'k59') === 'v59');
    expectWhole(cluster, laggard);
    await cluster.close();
  });
});

describe('taking in a snapshot', () => {
  it('goes on after a crash at any step', async () => {
    for (let writes = 0; writes < 14; writes += 1) {
      const { cluster, laggard } = await withLaggard();
      let left = writes;
      let isArmed = true;
      const crashAfterWrites = (): undefined => {
        if (!isArmed) return undefined;
        left -= 1;
        if (left < 0) {
          isArmed = false;
          throw new Error('power cut');
        }
        return undefined;
      };
      laggard.kvDisk.faults = { write: crashAfterWrites };
      cluster.network.heal();
      await cluster.world.runUntil(() => !isArmed || cluster.valueOn(laggard, 'k59') === 'v59', 30_000);
      isArmed = false;
      laggard.kvDisk.faults = {};
      cluster.crash(laggard, { keepsPageCache: writes % 2 === 0 });
      await cluster.restart(laggard);
      await cluster.until(`caught up after ${writes} writes`, () => cluster.valueOn(laggard, 'k59') === 'v59');
      expectWhole(cluster, laggard);
      await cluster.put('later', '1');
      await cluster.until('the laggard follows', () => cluster.valueOn(laggard, 'later') === '1');
      await cluster.close();
    }
  });
});

describe('the log', () => {
  it('stays within twice its limit on every store', async () => {
    const cluster = await TestCluster.start(3, { config: smallLog });
    for (let number = 0; number < 100; number += 1) await cluster.put(`k${number}`, 'v');
    await cluster.world.advance(1_000);
    for (const node of cluster.nodes) {
      const status = cluster.statusOf(node)!;
      expect(status.appliedIndex - status.firstIndex).toBeLessThanOrEqual(2 * smallLog.logGcMaxEntries);
    }
    await cluster.close();
  });
});
