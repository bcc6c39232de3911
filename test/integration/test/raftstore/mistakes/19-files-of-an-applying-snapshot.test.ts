import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from '../laggard.ts';

describe('the files of a snapshot that is being applied', () => {
  it('are not collected, across a restart either', async () => {
    const { cluster, laggard } = await withLaggard({ snapshotGcIntervalMs: 100 });
    const applied = laggard.store!.metrics().snapshotsApplied;
    // Every write of data waits: the state stays Applying for many rounds of collection.
    let isStuck = true;
    const stick = () => {
      const write = laggard.kvEngine.write.bind(laggard.kvEngine);
      laggard.kvEngine.deleteRange = async (range) => {
        while (isStuck) await laggard.runtime.timers.sleep(50);
        const batch = laggard.kvEngine.batch();
        for (const { key } of await laggard.kvEngine.scan(range)) batch.delete(key);
        await write(batch, { sync: false });
      };
    };
    stick();
    cluster.network.heal();
    const received = async () => (await laggard.snapshots.list()).filter(({ name }) => name.startsWith('rev'));
    await cluster.until('the snapshot is being applied', () => laggard.snapshots.names().some(isReceivedMeta));
    await cluster.world.advance(2_000);
    expect((await received()).length).toBeGreaterThan(1);
    expect(laggard.store!.metrics().snapshotsApplied).toBe(applied);
    cluster.crash(laggard, { keepsPageCache: true });
    const opening = cluster.restart(laggard);
    stick();
    await opening;
    await cluster.world.advance(2_000);
    expect((await received()).length).toBeGreaterThan(1);
    expect(laggard.store!.metrics().snapshotsApplied).toBe(0);
    isStuck = false;
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    expectWhole(cluster, laggard);
    // And then they go.
    await cluster.world.advance(2_000);
    expect(await received()).toEqual([]);
    await cluster.close();
  });
});

function isReceivedMeta(name: string): boolean {
  return /^rev_.*_meta$/.test(name);
}
