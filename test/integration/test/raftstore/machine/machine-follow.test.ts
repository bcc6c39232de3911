import type { ReplicaSubscription } from '@flotilla/raftstore';
import type { TestCluster, TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { smallLog } from '../laggard.ts';
import type { CounterTrace } from './counter-machine.ts';
import { callCounter, counterKey, counterLeader, counterOn, startMachineCluster } from './machine-cluster.ts';

function subscribe(node: TestNode, from = 0): ReplicaSubscription {
  const outcome = node.store!.subscribe(counterKey, Buffer.from(String(from)));
  if (outcome.type === 'refused') throw new Error(outcome.error.message);
  return outcome.subscription;
}

/** Gathers what a subscription brings, until it ends. */
function gather(subscription: ReplicaSubscription): { readonly pieces: string[]; isOver: boolean } {
  const gathered: { readonly pieces: string[]; isOver: boolean } = { pieces: [], isOver: false };
  const read = async (): Promise<void> => {
    for (let piece = await subscription.next(); piece !== undefined; piece = await subscription.next()) {
      gathered.pieces.push(Buffer.from(piece).toString());
    }
    gathered.isOver = true;
  };
  void read();
  return gathered;
}

async function follower(cluster: TestCluster): Promise<TestNode> {
  const { node } = counterLeader(cluster);
  return cluster.nodes.find((one) => one !== node)!;
}

describe('a subscription', () => {
  it('brings what every replica applies, from the place that it names', async () => {
    await using cluster = await startMachineCluster(3);
    await callCounter(cluster, '1');
    await callCounter(cluster, '2');
    const all = cluster.nodes.map((node) => gather(subscribe(node)));
    const later = gather(subscribe(await follower(cluster), 1));
    await callCounter(cluster, '3');
    await cluster.until(
      'all have it',
      () => all.every(({ pieces }) => pieces.length === 3) && later.pieces.length === 2,
    );
    for (const { pieces } of all) expect(pieces).toEqual(['1', '2', '3']);
    expect(later.pieces).toEqual(['2', '3']);
  });

  it('is closed by its reader for good', async () => {
    await using cluster = await startMachineCluster(1);
    const subscription = subscribe(cluster.nodes[0]!);
    const gathered = gather(subscription);
    subscription.close();
    await cluster.until('it is over', () => gathered.isOver);
    expect(subscription.isCutOff).toBe(false);
    await callCounter(cluster, '1');
    expect(await cluster.run(subscription.next())).toBeUndefined();
    expect(gathered.pieces).toEqual([]);
  });

  it('is cut off where the replica loses its leader, and when its store closes', async () => {
    await using cluster = await startMachineCluster(3);
    const alone = counterLeader(cluster).node;
    const other = await follower(cluster);
    const [left, kept] = [subscribe(alone), subscribe(other)];
    const [leftPieces, keptPieces] = [gather(left), gather(kept)];
    const others = cluster.nodes.filter((node) => node !== alone);
    cluster.network.partition([others.map(({ storeId }) => storeId)]);
    await cluster.until('it is cut off', () => leftPieces.isOver);
    expect(left.isCutOff).toBe(true);
    cluster.network.heal();
    await callCounter(cluster, '1');
    await cluster.until('the other goes on', () => keptPieces.pieces.length === 1);
    expect(keptPieces.isOver).toBe(false);
    await cluster.stop(other);
    await cluster.until('it is cut off too', () => keptPieces.isOver);
    expect(kept.isCutOff).toBe(true);
  });
});

describe('a snapshot', () => {
  it('brings a lagging replica the state of its machine, and cuts off who followed the old one', async () => {
    const trace: CounterTrace = { machines: [] };
    await using cluster = await startMachineCluster(3, { trace, config: smallLog });
    await callCounter(cluster, '1');
    const laggard = await follower(cluster);
    const before = counterOn(trace, laggard)!;
    await cluster.until('the laggard has it', () => before.sum === 1);
    const subscription = subscribe(laggard);
    const gathered = gather(subscription);
    const { region } = counterLeader(cluster);
    const behind = cluster.statusOf(laggard, region.id)?.lastIndex ?? 0;
    // Held back, not cut off: a replica that hears no leader ends its subscriptions by itself.
    cluster.network.filter = ({ regionId, toPeer, message }) =>
      regionId !== region.id || toPeer?.storeId !== laggard.storeId || (message?.entries.length ?? 0) === 0;
    for (let number = 0; number < 60; number += 1) await callCounter(cluster, '1');
    await cluster.until('the log is compacted past the laggard', () =>
      cluster.nodes.some(
        (node) => node !== laggard && (cluster.statusOf(node, region.id)?.firstIndex ?? 0) > behind + 1,
      ),
    );
    expect(before.isClosed).toBe(false);
    cluster.network.filter = () => true;
    await cluster.until('the laggard has a machine with all of it', () => counterOn(trace, laggard)?.sum === 61);
    expect(before.isClosed).toBe(true);
    await cluster.until('the old subscription is over', () => gathered.isOver);
    expect(subscription.isCutOff).toBe(true);
    const again = gather(subscribe(laggard));
    await callCounter(cluster, '1');
    await cluster.until('the new one follows', () => again.pieces.length === 62);
    expect(cluster.nodes.map((node) => node.fatal)).toEqual([undefined, undefined, undefined]);
  });

  it('is taken in again by a store that crashes in the midst of it', async () => {
    for (let crashMs = 0; crashMs < 40; crashMs += 5) {
      const trace: CounterTrace = { machines: [] };
      const cluster = await startMachineCluster(3, { trace, config: smallLog, seed: 3, syncMs: { min: 1, max: 5 } });
      const laggard = await follower(cluster);
      const { region } = counterLeader(cluster);
      cluster.network.partition([cluster.nodes.filter((node) => node !== laggard).map(({ storeId }) => storeId)]);
      for (let number = 0; number < 60; number += 1) await callCounter(cluster, '1');
      await cluster.until('the log is compacted', () =>
        cluster.nodes.some((node) => (cluster.statusOf(node, region.id)?.firstIndex ?? 0) > 40),
      );
      cluster.network.heal();
      let isReceived = false;
      laggard.store!.snapshotEvents.subscribe((events) => {
        isReceived ||= events.some(({ type, regionId }) => type === 'received' && regionId === region.id);
      });
      await cluster.until('a snapshot comes', () => isReceived);
      await cluster.sleep(crashMs);
      cluster.crash(laggard);
      await cluster.restart(laggard);
      const sum = await callCounter(cluster, '1');
      await cluster.until('it has caught up', () => counterOn(trace, laggard)?.sum === Number(sum));
      expect(sum).toBe('61');
      await cluster.close();
    }
  });
});
