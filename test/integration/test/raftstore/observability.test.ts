import type { SnapshotEvent, StoreHealth } from '@flotilla/raftstore';
import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, splitAt } from './split-cluster.ts';

describe('what a store tells its owner of', () => {
  it('tells of leadership, splits and health, and completes when it is closed', async () => {
    const cluster = await TestCluster.start(1);
    const { store } = cluster.nodes[0]!;
    const seen: string[] = [];
    const health: StoreHealth['status'][] = [];
    store!.health.subscribe({ next: ({ status }) => health.push(status), complete: () => seen.push('health ends') });
    store!.splits.subscribe({
      next: (splits) => seen.push(...splits.map(({ type, parts }) => `${type} into ${parts.length}`)),
      complete: () => seen.push('splits end'),
    });
    store!.leadershipChanges.subscribe({
      next: (changes) => seen.push(...changes.map(({ isLocal }) => (isLocal ? 'leads' : 'follows'))),
      complete: () => seen.push('leadership ends'),
    });
    const ends: string[] = [];
    store!.regionChanges.subscribe({ complete: () => ends.push('regions') });
    store!.snapshotEvents.subscribe({ complete: () => ends.push('snapshots') });
    await splitAt(cluster, 'm');
    await awaitRegions(cluster, 2);
    await cluster.until('the new region has a leader', () => seen.includes('leads'));
    expect(seen.filter((each) => each !== 'follows').sort()).toEqual(['leads', 'split into 2']);
    seen.length = 0;
    await cluster.close();
    expect(seen.filter((each) => each.includes('end')).sort()).toEqual([
      'health ends',
      'leadership ends',
      'splits end',
    ]);
    expect(ends.sort()).toEqual(['regions', 'snapshots']);
    expect(health).toEqual(['serving', 'closing', 'closed']);
  });

  it('tells of a snapshot on both sides, and counts its bytes', async () => {
    const cluster = await TestCluster.start(1);
    await cluster.put('key', 'x'.repeat(1_000));
    const [leader] = cluster.nodes;
    const newcomer = await cluster.addNode();
    const sent: SnapshotEvent[] = [];
    const taken: SnapshotEvent[] = [];
    leader!.store!.snapshotEvents.subscribe((events) => sent.push(...events));
    newcomer.store!.snapshotEvents.subscribe((events) => taken.push(...events));
    const peer = await cluster.addPeer(newcomer);
    const regionId = cluster.region.id;
    await cluster.until('the newcomer has the data', () => taken.some(({ type }) => type === 'applied'));
    await cluster.until('the leader knows', () => sent.length > 0);
    expect(sent).toEqual([{ type: 'sent', regionId, toPeerId: peer.id }]);
    const index = (taken[0] as { readonly index: number }).index;
    expect(index).toBeGreaterThan(5);
    expect(taken).toEqual([
      { type: 'received', regionId, index },
      { type: 'applied', regionId, index },
    ]);
    const bytes = newcomer.store!.metrics().snapshotBytesReceived;
    expect(bytes).toBeGreaterThan(1_000);
    expect(leader!.store!.metrics().snapshotBytesSent).toBe(bytes);
    await cluster.close();
  });
});

describe('what a store measures', () => {
  it('measures every stage of a write, and elections', async () => {
    const cluster = await TestCluster.start(3, { syncMs: { min: 10, max: 10 } });
    const before = cluster.nodes.map(({ store }) => store!.metrics());
    for (let number = 0; number < 10; number += 1) await cluster.put(`k${number}`, 'v');
    const leader = await cluster.awaitLeader();
    const position = cluster.nodes.indexOf(leader);
    const { propose, append, logWrite, commit, apply, proposeToApply } = leader.store!.metrics();
    expect(proposeToApply.count - before[position]!.proposeToApply.count).toBe(10);
    for (const stage of [propose, commit, apply]) expect(stage.count).toBeGreaterThanOrEqual(10);
    expect(append.count).toBe(logWrite.count);
    // Each write waits for one sync here, and one there.
    expect(logWrite.totalMs / logWrite.count).toBeCloseTo(10);
    expect(commit.totalMs / commit.count).toBeGreaterThanOrEqual(10);
    expect(proposeToApply.totalMs).toBeGreaterThanOrEqual(10 * proposeToApply.count);
    cluster.crash(leader);
    await cluster.awaitLeader(leader);
    const left = cluster.nodes.filter((node) => node !== leader);
    const won = left.map(({ store }) => store!.metrics().electionsWon).reduce((sum, each) => sum + each, 0);
    expect(won).toBeGreaterThan(0);
    expect(left.some(({ store }) => store!.metrics().campaigns > 0)).toBe(true);
    await cluster.close();
  });

  it('warns of a disk that hangs while it does, once in an interval, and goes on when it does', async () => {
    const config = { slowWriteMs: 500, slowWriteWarningIntervalMs: 2_000 };
    const cluster = await TestCluster.start(1, { config });
    const [node] = cluster.nodes;
    let goOn: (outcome: undefined) => void = () => {};
    node!.raftDisk.faults = {
      sync: () =>
        new Promise((resolve) => {
          goOn = resolve;
        }),
    };
    const written = cluster.put('key', 'value');
    await cluster.sleep(5_200);
    const warnings = () => node!.logger.lines.filter(({ message }) => message === 'a write does not end');
    expect(warnings().map(({ level }) => level)).toEqual(['warn', 'warn', 'warn']);
    expect(warnings()[0]?.fields).toMatchObject({ database: 'raft', slowWrites: 1 });
    expect(node!.store!.metrics().slowWrites).toBe(1);
    node!.raftDisk.faults = {};
    goOn(undefined);
    await written;
    expect(await cluster.get('key')).toBe('value');
    await cluster.close();
  });
});
