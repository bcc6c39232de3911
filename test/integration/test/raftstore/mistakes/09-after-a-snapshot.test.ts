import { readRegionState } from '@flotilla/engine';
import { raft_serverpb } from '@flotilla/protocol';
import { errorOf, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { followerOf } from '../membership/members.ts';
import { awaitRegions, outline, putKey, regionsOn, splitAt } from '../split-cluster.ts';

const config = { logGcThreshold: 5, logGcMaxEntries: 10 };

// Mistake 9: after applying a snapshot: remove the old range, insert the new, persist Normal, fail the old callbacks.
describe('after a snapshot', () => {
  it('the range is the new one, so that a part that was split off finds its place', async () => {
    const cluster = await TestCluster.start(3, { config });
    await putKey(cluster, 'a', '1');
    await putKey(cluster, 'z', '1');
    await cluster.awaitLeader();
    const late = followerOf(cluster);
    expect(regionsOn(late)).toHaveLength(1);
    const others = cluster.nodes.filter((node) => node !== late).map((node) => node.storeId);
    cluster.network.partition([others]);
    const parts = await splitAt(cluster, 'm');
    for (let number = 0; number < 30; number += 1) {
      await putKey(cluster, `a${number}`, '2');
      await putKey(cluster, `z${number}`, '2');
    }
    cluster.network.heal();
    await cluster.until('both parts are there', () => regionsOn(late).length === 2);
    await awaitRegions(cluster, 2);
    expect(outline(regionsOn(late))).toEqual(outline(parts));
    await cluster.until('by snapshots', () => late.store!.metrics().snapshotsApplied > 0);
    for (const key of ['a29', 'z29']) {
      await cluster.until(`it has ${key}`, () => cluster.valueOn(late, key) === '2');
    }
    for (const { id } of parts) {
      await cluster.until('its state is normal', () => {
        return readRegionState(late.kvEngine, id)?.state === raft_serverpb.PeerState.Normal;
      });
    }
    cluster.crash(late);
    await cluster.restart(late);
    expect(outline(regionsOn(late))).toEqual(outline(parts));
    await putKey(cluster, 'z', '3');
    await cluster.until('it goes on', () => cluster.valueOn(late, 'z') === '3');
    await cluster.close();
  });

  it('what waited for entries that it covers is answered, once', async () => {
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    const old = await cluster.awaitLeader();
    const others = cluster.nodes.filter((node) => node !== old).map((node) => node.storeId);
    cluster.network.partition([others]);
    const header = headerOf(cluster.regionOn(old));
    const answers: (string | undefined)[] = [];
    for (let number = 0; number < 5; number += 1) {
      void old.store!.execute(putCommand(header, `lost ${number}`, 'v')).then((result) => {
        const error = errorOf(result);
        answers.push(error?.outcomeUnknown?.reason ?? error?.message);
      });
    }
    await cluster.awaitLeader(old);
    for (let number = 0; number < 40; number += 1) await cluster.put(`k${number}`, 'w');
    expect(answers).toEqual([]);
    cluster.network.heal();
    await cluster.until('it has taken a snapshot in', () => old.store!.metrics().snapshotsApplied === 1);
    await cluster.until('all are answered', () => answers.length === 5);
    expect(new Set(answers)).toEqual(new Set(['a snapshot took the place of the log']));
    expect(cluster.valueOn(old, 'lost 0')).toBeUndefined();
    await cluster.close();
  });
});
