import type { CommandResult } from '@flotilla/raftstore';
import { errorOf, headerOf, putCommand, TestCluster, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { putKey, regionsOn, splitAt } from './split-cluster.ts';

const value = 'x'.repeat(200);

/** What became of the commands of a load that a store was given without waiting for answers. */
interface Load {
  readonly acknowledged: Set<string>;
  readonly refusals: Set<string | undefined>;
  answered: number;
}

/** Gives a leader `count` puts of new keys, `perMs` in each millisecond; `look` is called after each of these. */
async function load(
  cluster: TestCluster,
  leader: TestNode,
  count: number,
  perMs: number,
  look: () => void,
): Promise<Load> {
  const result: Load = { acknowledged: new Set(), refusals: new Set(), answered: 0 };
  const header = headerOf(cluster.regionOn(leader));
  for (let number = 0; number < count; number += 1) {
    const key = `load ${number}`;
    void leader.store!.execute(putCommand(header, key, value)).then((answer: CommandResult) => {
      const error = errorOf(answer);
      result.answered += 1;
      if (error === undefined) result.acknowledged.add(key);
      else result.refusals.add(error.serverIsBusy?.reason ?? error.message);
    });
    if (number % perMs === 0) await cluster.world.advance(1);
    look();
  }
  return result;
}

async function expectRecovered(cluster: TestCluster, leader: TestNode, done: Load, count: number): Promise<void> {
  await cluster.until('every command is answered', () => done.answered === count);
  await cluster.put('after', 'x');
  expect(cluster.leader()).toBe(leader);
  for (const key of done.acknowledged) expect(cluster.valueOn(leader, key)).toBe(value);
  for (const node of cluster.nodes) {
    expect(node.fatal).toBeUndefined();
    await cluster.until('all follow', () => cluster.valueOn(node, 'after') === 'x');
  }
  expect(leader.store!.metrics().applyQueueBytes).toBe(0);
}

/** A sync that takes `ms`, while `isSlow`. */
function slowSync(cluster: TestCluster, ms: number) {
  const disk = { isSlow: true, sync: undefined as unknown as () => Promise<undefined> };
  disk.sync = async () => {
    if (disk.isSlow) await cluster.clock.timers.sleep(ms);
    return undefined;
  };
  return disk;
}

describe('a leader whose database is slow to apply', () => {
  it('refuses commands by name when as much waits as its queue holds, and goes on when it has caught up', async () => {
    const maxApplyQueueBytes = 16_384;
    const cluster = await TestCluster.start(3, { config: { maxApplyQueueBytes, applySyncBytes: 1 } });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const slow = slowSync(cluster, 500);
    leader.kvDisk.faults = { sync: slow.sync };
    let most = 0;
    const done = await load(cluster, leader, 2_000, 5, () => {
      most = Math.max(most, leader.store!.metrics().applyQueueBytes);
    });
    // The core counts what one region has not applied, and takes no more than the queue holds for all regions.
    expect([...done.refusals]).toEqual(['leadership is being transferred, or too much is uncommitted']);
    expect(most).toBeGreaterThan(maxApplyQueueBytes / 2);
    expect(most).toBeLessThanOrEqual(maxApplyQueueBytes * 1.25);
    slow.isSlow = false;
    await expectRecovered(cluster, leader, done, 2_000);
    expect(done.acknowledged.size).toBeGreaterThan(10);
    await cluster.close();
  });
});

describe('a leader whose log is slow to sync', () => {
  it('refuses commands by name when too many wait, and goes on when its disk does', async () => {
    const config = { maxPendingProposals: 64, maxPendingLogBytes: 8_192, mailboxCapacity: 64 };
    const cluster = await TestCluster.start(3, { config });
    await cluster.put('k', 'v');
    const leader = await cluster.awaitLeader();
    const slow = slowSync(cluster, 100);
    for (const node of cluster.nodes) node.raftDisk.faults = { sync: slow.sync };
    let most = 0;
    const done = await load(cluster, leader, 1_000, 5, () => {
      const { pendingLogBytes, raftMailboxLength } = leader.store!.metrics();
      most = Math.max(most, pendingLogBytes);
      expect(raftMailboxLength).toBeLessThanOrEqual(128);
    });
    const named = ['the raft mailbox is full', 'too many proposals of the region are under way'];
    expect(done.refusals.size).toBeGreaterThan(0);
    for (const reason of done.refusals) expect(named).toContain(reason);
    expect(most).toBeLessThan(64 * 1_024);
    slow.isSlow = false;
    await expectRecovered(cluster, leader, done, 1_000);
    expect(done.acknowledged.size).toBeGreaterThan(64);
    await cluster.close();
  });
});

describe('a store that needs the snapshots of many regions at once', () => {
  it('gets all of them, no more at once than the limits of both sides', async () => {
    const limits = { maxSendingSnapshots: 3, maxReceivingSnapshots: 2, snapshotRetryBackoffMs: 50 };
    const config = { ...limits, maxSnapshotAttempts: 100, maxSnapshotBytesPerSecond: 20_000 };
    const cluster = await TestCluster.start(2, { config: { ...config, maxSplitKeys: 100 } });
    const keys = Array.from({ length: 24 }, (_, number) => `r${String(number).padStart(2, '0')}`);
    await putKey(cluster, 'a', value);
    await splitAt(cluster, ...keys);
    await cluster.until('the scheduler knows all', () => cluster.scheduler.regions().length === 25);
    for (const key of keys) await putKey(cluster, `${key} data`, value);
    const spare = await cluster.addNode();
    let sending = 0;
    let receiving = 0;
    for (const { region } of cluster.scheduler.regions()) {
      cluster.scheduler.addPeer(region.id, { id: cluster.scheduler.allocId(), storeId: spare.storeId, role: 0 });
    }
    await cluster.until('the new store has all', () => {
      for (const node of cluster.nodes) {
        const metrics = node.store!.metrics();
        sending = Math.max(sending, metrics.snapshotsSending);
        receiving = Math.max(receiving, metrics.snapshotsReceiving);
      }
      return keys.every((key) => cluster.valueOn(spare, `${key} data`) === value);
    });
    await cluster.until('every region is settled', () => cluster.scheduler.isSettled());
    expect(regionsOn(spare)).toHaveLength(25);
    expect(receiving).toBe(2);
    expect(sending).toBeLessThanOrEqual(3);
    const retries = cluster.nodes.reduce((sum, node) => sum + node.store!.metrics().snapshotSendRetries, 0);
    expect(retries).toBeGreaterThan(0);
    await putKey(cluster, 'r05 later', '1');
    await cluster.until('it follows', () => cluster.valueOn(spare, 'r05 later') === '1');
    await cluster.close();
  });
});
