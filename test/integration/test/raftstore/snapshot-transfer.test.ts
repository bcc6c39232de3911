import { eraftpb, metapb } from '@flotilla/protocol';
import { changePeerCommand, errorOf, headerOf, type TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from './laggard.ts';

/** Refuses the next `count` snapshots that the node is sent, as a store that receives too many does. */
function refuseNext(node: TestNode, count: number): { left: number } {
  const refusal = { left: count };
  const store = node.store!;
  const receive = store.receiveSnapshot.bind(store);
  store.receiveSnapshot = async (message) => {
    if (refusal.left === 0) return receive(message);
    refusal.left -= 1;
    throw new Error('too many snapshots');
  };
  return refusal;
}

/** The names of the snapshots that a node generates. */
function generatedBy(node: TestNode): string[] {
  const names: string[] = [];
  const create = node.snapshots.create.bind(node.snapshots);
  node.snapshots.create = (name) => {
    if (/^gen_.*_meta$/.test(name)) names.push(name);
    return create(name);
  };
  return names;
}

describe('a transfer of a snapshot', () => {
  it('that is refused or cut off is tried again with the same files', async () => {
    const { cluster, laggard } = await withLaggard();
    const leader = await cluster.awaitLeader();
    const generated = generatedBy(leader);
    const refusal = refuseNext(laggard, 2);
    cluster.network.heal();
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    expectWhole(cluster, laggard);
    expect(refusal.left).toBe(0);
    expect(leader.store!.metrics().snapshotSendRetries).toBe(2);
    expect(generated).toHaveLength(1);
    await cluster.close();
  });

  it('that failed as often as it may is begun anew when the leader asks again', async () => {
    const { cluster, laggard } = await withLaggard({ maxSnapshotAttempts: 2, snapshotRetryBackoffMs: 20 });
    refuseNext(laggard, 7);
    cluster.network.heal();
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    expectWhole(cluster, laggard);
    await cluster.close();
  });

  it('takes its time when the rate is limited, and is given up when it takes too long', async () => {
    // The files have about 1,200 bytes.
    const slow = await withLaggard({ maxSnapshotBytesPerSecond: 200 });
    const startMs = slow.cluster.world.nowMs;
    slow.cluster.network.heal();
    await slow.cluster.until('caught up', () => slow.cluster.valueOn(slow.laggard, 'k59') === 'v59');
    expect(slow.cluster.world.nowMs - startMs).toBeGreaterThan(5_000);
    await slow.cluster.close();

    const config = { maxSnapshotBytesPerSecond: 200, snapshotTransferTimeoutMs: 1_000, snapshotRetryBackoffMs: 100 };
    const { cluster, laggard } = await withLaggard(config);
    const leader = await cluster.awaitLeader();
    cluster.network.heal();
    await cluster.world.advance(30_000);
    expect(cluster.valueOn(laggard, 'k59')).toBeUndefined();
    expect(leader.logger.messages('warn')).toContain('a snapshot could not be sent');
    const partial = (await laggard.snapshots.list()).filter(({ name }) => name.startsWith('rev'));
    expect(partial).toEqual([]);
    await cluster.close();
  });

  it('waits while as many as allowed are under way', async () => {
    const { cluster, laggard } = await withLaggard({ maxSendingSnapshots: 1, snapshotRetryBackoffMs: 50 });
    const fourth = await cluster.addNode();
    let most = 0;
    const count = (): void => {
      for (const node of cluster.nodes) {
        const send = node.store?.metrics();
        most = Math.max(most, send?.snapshotsSending ?? 0);
      }
    };
    cluster.network.heal();
    const peer = { id: cluster.scheduler.allocId(), storeId: fourth.storeId, role: 0 } as const;
    cluster.scheduler.addPeer(cluster.region.id, peer);
    await cluster.until('both have caught up', () => {
      count();
      return [laggard, fourth].every((node) => cluster.valueOn(node, 'k59') === 'v59');
    });
    expect(most).toBe(1);
    await cluster.close();
  });
});

describe('a snapshot that has been generated', () => {
  it('is made again when the log begins after it', async () => {
    const { cluster, laggard } = await withLaggard();
    const leader = await cluster.awaitLeader();
    const generated = generatedBy(leader);
    const refusal = refuseNext(laggard, 1_000);
    cluster.network.heal();
    await cluster.until('a snapshot', () => generated.length === 1);
    for (let number = 0; number < 60; number += 1) await cluster.put(`more ${number}`, 'x');
    refusal.left = 0;
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'more 59') === 'x');
    expect(generated.length).toBeGreaterThan(1);
    expect(new Set(generated).size).toBe(generated.length);
    expectWhole(cluster, laggard);
    await cluster.close();
  });

  it('is made again when the membership has changed since', async () => {
    const { cluster, laggard } = await withLaggard();
    const leader = await cluster.awaitLeader();
    const generated = generatedBy(leader);
    const refusal = refuseNext(laggard, 1_000);
    cluster.network.heal();
    await cluster.until('a snapshot', () => generated.length === 1);
    const fourth = await cluster.addNode();
    const learner = {
      id: cluster.scheduler.allocId(),
      storeId: fourth.storeId,
      role: metapb.PeerRole.Learner,
    } as const;
    const { AddLearnerNode } = eraftpb.ConfChangeType;
    const change = changePeerCommand(headerOf(cluster.regionOn(leader)), AddLearnerNode, learner);
    expect(errorOf(await cluster.execute(leader, change))).toBeUndefined();
    await cluster.until('the learner is a member', () => cluster.statusOf(leader)?.region?.peers.length === 4);
    refusal.left = 0;
    await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, 'k59') === 'v59');
    await cluster.until('it knows the members', () => cluster.statusOf(laggard)?.region?.peers.length === 4);
    expect(generated.length).toBeGreaterThan(1);
    await cluster.close();
  });
});
