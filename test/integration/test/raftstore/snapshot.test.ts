import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { expectWhole, smallLog, withLaggard } from './laggard.ts';

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
