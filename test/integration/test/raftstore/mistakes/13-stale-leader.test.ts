import { getCommand, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

/**
 * Mistake 13: a leader that was replaced without noticing goes on heartbeating, and answers with old data. Check-quorum
 * makes it step down; until then a round of heartbeats, or a lease that ends before another can be elected, keeps it silent.
 */
describe('a leader cut off with a minority', () => {
  for (const leaseReads of [false, true]) {
    it(`answers no read with old data ${leaseReads ? 'on its lease' : 'by ReadIndex'}, and steps down`, async () => {
      const cluster = await TestCluster.start(5, { config: { leaseReads } });
      await cluster.put('k', 'old');
      const old = await cluster.awaitLeader();
      const minority = [old, cluster.nodes.find((node) => node !== old)!];
      const majority = cluster.nodes.filter((node) => !minority.includes(node));
      cluster.network.partition([minority.map(({ storeId }) => storeId), majority.map(({ storeId }) => storeId)]);
      let acknowledgedAtMs: number | undefined;
      const stale: string[] = [];
      let answered = 0;
      let steppedDown = false;
      for (let step = 0; step < 400; step += 1) {
        const beganAtMs = cluster.world.nowMs;
        const next = majority.find((node) => cluster.statusOf(node)?.leader?.storeId === node.storeId);
        if (next !== undefined && acknowledgedAtMs === undefined) {
          void next.store!.execute(putCommand(headerOf(cluster.regionOn(next)), 'k', 'new')).then(({ response }) => {
            if (response.header?.error === undefined) acknowledgedAtMs ??= cluster.world.nowMs;
          });
        }
        void old.store!.execute(getCommand(headerOf(cluster.regionOn(old)), 'k')).then(({ response }) => {
          if (response.header?.error !== undefined) return;
          answered += 1;
          const value = Buffer.from(response.responses[0]?.get?.value ?? []).toString();
          if (value === 'old' && acknowledgedAtMs !== undefined && acknowledgedAtMs < beganAtMs) stale.push(value);
        });
        await cluster.world.advance(10);
        steppedDown ||= cluster.statusOf(old)?.leader?.storeId !== old.storeId;
      }
      expect(acknowledgedAtMs).toBeDefined();
      expect(stale).toEqual([]);
      expect(steppedDown).toBe(true);
      // On its lease it went on for a while; without one it could not answer at all.
      if (leaseReads) expect(answered).toBeGreaterThan(0);
      else expect(answered).toBe(0);
      cluster.network.heal();
      expect(await cluster.get('k')).toBe('new');
      await cluster.close();
    });
  }
});
