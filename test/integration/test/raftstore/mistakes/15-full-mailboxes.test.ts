import type { CommandResult } from '@flotilla/raftstore';
import { errorOf, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

describe('mailboxes that are full on both sides', () => {
  it('refuse commands by name, answer each exactly once, and go on when the load ends', async () => {
    const cluster = await TestCluster.start(3, { config: { mailboxCapacity: 8, maxMessagesPerLoop: 2 } });
    const leader = await cluster.awaitLeader();
    // More than fits, to every store at once, in the same turn: raft messages find the mailboxes as full as commands do.
    const answers: CommandResult[] = [];
    let asked = 0;
    for (let round = 0; round < 20; round += 1) {
      for (const node of cluster.nodes) {
        for (let number = 0; number < 50; number += 1) {
          asked += 1;
          const command = putCommand(headerOf(cluster.regionOn(leader)), `k${number}`, `${round}`);
          void node.store!.execute(command).then((result) => answers.push(result));
        }
      }
      await cluster.world.advance(3);
    }
    await cluster.until('every command is answered', () => answers.length === asked);
    const reasons = answers.map((result) => errorOf(result)?.serverIsBusy?.reason);
    expect(reasons).toContain('the raft mailbox is full');
    await cluster.world.advance(1_000);
    expect(answers).toHaveLength(asked);
    for (const node of cluster.nodes) {
      expect(node.fatal).toBeUndefined();
      expect(node.store!.metrics().raftMailboxLength).toBeLessThanOrEqual(8 + 16);
    }
    await cluster.put('after', 'x');
    for (const node of cluster.nodes) {
      await cluster.until('everybody goes on', () => cluster.valueOn(node, 'after') === 'x');
    }
    await cluster.close();
  });

  it('do not wait for each other while a disk is stuck, and memory stays bounded', async () => {
    const cluster = await TestCluster.start(3, {
      config: { mailboxCapacity: 16, maxPendingLogBytes: 4_096, maxPendingProposals: 32, maxApplyQueueBytes: 8_192 },
    });
    const leader = await cluster.awaitLeader();
    let isStuck = true;
    const stuck = async () => {
      while (isStuck) await cluster.clock.timers.sleep(10);
      return undefined;
    };
    for (const node of cluster.nodes) {
      node.raftDisk.faults = { sync: stuck };
      node.kvDisk.faults = { sync: stuck };
    }
    const answers: CommandResult[] = [];
    let asked = 0;
    const reasons = new Set<string | undefined>();
    for (let number = 0; number < 500; number += 1) {
      asked += 1;
      const command = putCommand(headerOf(cluster.regionOn(leader)), `k${number}`, 'x'.repeat(200));
      void leader.store!.execute(command).then((result) => {
        answers.push(result);
        reasons.add(errorOf(result)?.serverIsBusy?.reason);
      });
      if (number % 10 === 0) await cluster.world.advance(1);
      const metrics = leader.store!.metrics();
      expect(metrics.raftMailboxLength).toBeLessThanOrEqual(16 + 16);
      expect(metrics.pendingLogBytes).toBeLessThan(64 * 1024);
    }
    expect([...reasons].some((reason) => reason !== undefined)).toBe(true);
    isStuck = false;
    for (const node of cluster.nodes) {
      node.raftDisk.faults = {};
      node.kvDisk.faults = {};
    }
    await cluster.until('every command is answered', () => answers.length === asked);
    await cluster.put('after', 'x');
    expect(await cluster.get('after')).toBe('x');
    for (const node of cluster.nodes) expect(node.fatal).toBeUndefined();
    await cluster.close();
  });
});
