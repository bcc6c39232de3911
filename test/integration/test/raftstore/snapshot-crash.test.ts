import type { CrashOptions, TestCluster, TestNode } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { expectWhole, withLaggard } from './laggard.ts';

/** What a crash may leave beside what was synced: nothing at each step, names or everything by turns. */
const crashes: readonly ((count: number) => CrashOptions)[] = [
  () => ({}),
  (count) => (count % 2 === 0 ? { keepsFileNames: true } : { keepsPageCache: true }),
];

interface PowerCut {
  /** What the node's disks did before, each step by its name. */
  readonly steps: string[];
  isCut: boolean;
}

/** Lets a node's disks take `count` steps, of reads, writes and syncs; at the next one the power goes. */
function cutPowerAfter(cluster: TestCluster, node: TestNode, count: number, crash: CrashOptions): PowerCut {
  const cut: PowerCut = { steps: [], isCut: false };
  const take = (name: string): undefined => {
    if (!cut.isCut && cut.steps.length < count) {
      cut.steps.push(name);
      return undefined;
    }
    if (!cut.isCut) cluster.crash(node, crash);
    cut.isCut = true;
    throw new Error('power cut');
  };
  node.kvDisk.faults = { write: () => take('kv write'), sync: () => take('kv sync') };
  node.raftDisk.faults = { write: () => take('raft write'), sync: () => take('raft sync') };
  node.snapshots.fault = (step) => take(`file ${step}`);
  return cut;
}

/** Files of snapshots on any node, those included that were never committed. */
function filesOf(cluster: TestCluster): string[] {
  return cluster.nodes.flatMap(({ snapshots }) => [...snapshots.names(), ...snapshots.uncommitted()]);
}

/** Crashes one node at every step of a laggard's catching up, each step in a cluster of its own; the steps there were. */
async function crashAtEveryStep(chosen: (leader: TestNode, laggard: TestNode) => TestNode): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const crashAfter of crashes) {
    let isComplete = false;
    for (let count = 0; !isComplete; count += 1) {
      const { cluster, laggard } = await withLaggard();
      const node = chosen(await cluster.awaitLeader(), laggard);
      const crash = crashAfter(count);
      const cut = cutPowerAfter(cluster, node, count, crash);
      cluster.network.heal();
      const isWhole = (): boolean => cluster.valueOn(laggard, 'k59') === 'v59';
      const isOver = (): boolean => isWhole() && filesOf(cluster).length === 0;
      await cluster.world.runUntil(() => cut.isCut || isOver(), 30_000);
      isComplete = !cut.isCut;
      for (const step of cut.steps) seen.add(step);
      if (isComplete) cluster.crash(node, crash);
      node.kvDisk.faults = {};
      node.raftDisk.faults = {};
      await cluster.restart(node);
      await cluster.until(`caught up after ${count} steps`, isWhole);
      expectWhole(cluster, laggard);
      await cluster.put('later', '1');
      await cluster.until('the laggard follows', () => cluster.valueOn(laggard, 'later') === '1');
      // A snapshot made for sending goes once the log begins after it.
      for (let number = 0; number < 12; number += 1) await cluster.put('more', `${number}`);
      await cluster.until(`no files are left after ${count} steps`, () => filesOf(cluster).length === 0);
      await cluster.close();
    }
  }
  return seen;
}

const receiving = ['file create', 'file read', 'file remove', 'file rename', 'file syncDirectory', 'file syncFile'];
const writing = ['file write', 'kv sync', 'kv write', 'raft sync', 'raft write'];

describe('a receiver that crashes', () => {
  it('at any step of taking in a snapshot has all of it after its next start', async () => {
    const seen = await crashAtEveryStep((_leader, laggard) => laggard);
    expect([...seen].sort()).toEqual([...receiving, ...writing]);
  }, 120_000);
});

describe('a sender that crashes', () => {
  it('at any step of making and sending a snapshot makes it again, or another leader does', async () => {
    const seen = await crashAtEveryStep((leader) => leader);
    for (const step of [...receiving, 'file write']) expect(seen).toContain(step);
  }, 120_000);
});
