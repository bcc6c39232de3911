import { TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const minuteMs = 60_000;

interface Cost {
  readonly raftMessages: number;
  readonly storeMessages: number;
  readonly peerTicks: number;
}

/** What three stores send and do for `regions` idle regions in a minute. */
async function idleMinute(regions: number, hibernateAfterMs: number): Promise<Cost> {
  const cluster = await TestCluster.start(3, { config: { hibernateAfterMs } });
  for (let number = 1; number < regions; number += 1) {
    const key = `k${String(number).padStart(3, '0')}`;
    await cluster.orders.split(key);
  }
  await cluster.until('every store has every region', () =>
    cluster.nodes.every((node) => node.store!.status().length === regions),
  );
  await cluster.world.advance(20_000);
  const ticks = (): number => cluster.nodes.reduce((sum, node) => sum + node.store!.metrics().peerTicks, 0);
  const before = ticks();
  let raftMessages = 0;
  let storeMessages = 0;
  cluster.network.filter = ({ message }) => {
    if (message === undefined) storeMessages += 1;
    else raftMessages += 1;
    return true;
  };
  await cluster.world.advance(minuteMs);
  const cost = { raftMessages, storeMessages, peerTicks: ticks() - before };
  await cluster.close();
  return cost;
}

/** Mistake 20: 30,000 regions saturate a store by heartbeats alone, unless idle ones hibernate. */
describe('idle regions', () => {
  it('cost neither messages nor ticks; what the stores send does not depend on how many there are', async () => {
    const few = await idleMinute(4, 1_000);
    const many = await idleMinute(16, 1_000);
    expect([few.raftMessages, few.peerTicks]).toEqual([0, 0]);
    expect([many.raftMessages, many.peerTicks]).toEqual([0, 0]);
    expect(many.storeMessages).toBe(few.storeMessages);
    // Ten heartbeats a second between each two of three stores, one way.
    expect(many.storeMessages).toBe(6 * 10 * 60);
  });

  it('cost both in proportion where they are kept awake, which is what hibernation spares', async () => {
    const awake = await idleMinute(16, 0);
    expect(awake.peerTicks).toBe(3 * 16 * 20 * 60);
    // Ten heartbeats a second from the leader to each of two followers, and their answers.
    expect(awake.raftMessages).toBeGreaterThanOrEqual(16 * 4 * 10 * 60 * 0.9);
  });
});
