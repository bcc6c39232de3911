import type { TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from './laggard.ts';

/** Something that reaches a disk, or makes it durable. */
type Step = 'kv write' | 'kv sync' | 'raft write' | 'raft sync' | 'file create' | 'file write' | 'file commit';

/** Lets a node's disks work for `count` steps; the next one fails, as everything does in a power cut. */
function cutPowerAfter(node: TestNode, count: number): { readonly steps: Step[]; isCut: boolean; heal(): void } {
  const steps: Step[] = [];
  const cut = { steps, isCut: false, heal };
  const step = (name: Step): undefined => {
    if (cut.isCut || steps.length >= count) {
      cut.isCut = true;
      throw new Error('power cut');
    }
    steps.push(name);
    return undefined;
  };
  const create = node.snapshots.create.bind(node.snapshots);
  node.kvDisk.faults = { write: () => step('kv write'), sync: () => step('kv sync') };
  node.raftDisk.faults = { write: () => step('raft write'), sync: () => step('raft sync') };
  node.snapshots.create = async (name) => {
    step('file create');
    const writer = await create(name);
    return {
      write: (bytes) => {
        step('file write');
        return writer.write(bytes);
      },
      commit: () => {
        step('file commit');
        return writer.commit();
      },
      abort: () => writer.abort(),
    };
  };
  function heal(): void {
    node.kvDisk.faults = {};
    node.raftDisk.faults = {};
    node.snapshots.create = create;
  }
  return cut;
}

describe('a receiver that crashes', () => {
  it('at any step of taking in a snapshot has all of it after its next start', async () => {
    const seen = new Set<Step>();
    let isComplete = false;
    for (let count = 0; !isComplete; count += 1) {
      const { cluster, laggard } = await withLaggard();
      const cut = cutPowerAfter(laggard, count);
      cluster.network.heal();
      const isWhole = () => cluster.valueOn(laggard, 'k59') === 'v59' && cluster.statusOf(laggard)!.lastIndex > 60;
      await cluster.world.runUntil(() => cut.isCut || isWhole(), 30_000);
      isComplete = !cut.isCut;
      for (const step of cut.steps) seen.add(step);
      cluster.crash(laggard, { keepsPageCache: count % 2 === 0 });
      cut.heal();
      await cluster.restart(laggard);
      await cluster.until(`caught up after ${count} steps`, () => cluster.valueOn(laggard, 'k59') === 'v59');
      expectWhole(cluster, laggard);
      await cluster.put('later', '1');
      await cluster.until('the laggard follows', () => cluster.valueOn(laggard, 'later') === '1');
      await cluster.close();
    }
    expect([...seen].sort()).toEqual([
      'file commit',
      'file create',
      'file write',
      'kv sync',
      'kv write',
      'raft sync',
      'raft write',
    ]);
  }, 60_000);
});

describe('a sender that crashes', () => {
  it('at any step of making a snapshot makes it again, or another leader does', async () => {
    for (let count = 0; count < 8; count += 1) {
      const { cluster, laggard } = await withLaggard();
      const leader = await cluster.awaitLeader();
      const cut = cutPowerAfter(leader, count);
      leader.kvDisk.faults = {};
      leader.raftDisk.faults = {};
      cluster.network.heal();
      const isWhole = () => cluster.valueOn(laggard, 'k59') === 'v59';
      await cluster.world.runUntil(() => cut.isCut || isWhole(), 30_000);
      cluster.crash(leader);
      cut.heal();
      await cluster.restart(leader);
      await cluster.until(`caught up after ${count} steps`, isWhole);
      expectWhole(cluster, laggard);
      await cluster.close();
    }
  }, 60_000);
});
