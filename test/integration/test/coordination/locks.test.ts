import { type AcquireOptions, DistributedLock, type Lock } from '@flotilla/coordination';
import { checkFencing, type TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { LockContention } from '../../../../packages/coordination/test/lock/lock-contention.ts';
import {
  type CoordinationProcess,
  connectProcess,
  coordinationLeader,
  startCoordinationCluster,
} from './coordination-cluster.ts';

const ttlMs = 6_000;

interface Holder extends CoordinationProcess {
  acquire(options?: AcquireOptions): Promise<Lock>;
}

function holder(cluster: TestCluster, name: string): Holder {
  const process = connectProcess(cluster, name);
  const locks = new DistributedLock({ ...process, defaultTtlMs: ttlMs });
  return { ...process, acquire: (options) => locks.acquire('k', options) };
}

/** Faults of the stores, one at a time. */
function faultsOf(cluster: TestCluster): readonly ((lastsMs: number) => void)[] {
  const random = cluster.world.random.fork('store faults');
  let isFaulty = false;
  const during = (lastsMs: number, begin: () => void, end: () => void): void => {
    if (isFaulty) return;
    isFaulty = true;
    begin();
    cluster.clock.timers.after(lastsMs, () => {
      end();
      isFaulty = false;
    });
  };
  const leader = () => coordinationLeader(cluster);
  const others = (storeId: number): number[] =>
    cluster.nodes.map((node) => node.storeId).filter((other) => other !== storeId);
  return [
    (lastsMs) =>
      during(
        lastsMs,
        () => {
          const { storeId } = leader().node;
          cluster.network.partition([[storeId], others(storeId)]);
        },
        () => cluster.network.heal(),
      ),
    (lastsMs) => {
      const { node } = leader();
      during(
        lastsMs,
        () => cluster.pause(node),
        () => cluster.resume(node),
      );
    },
    (lastsMs) => {
      const { node } = leader();
      during(
        lastsMs,
        () => cluster.crash(node),
        () => void cluster.restart(node),
      );
    },
    () => {
      if (isFaulty) return;
      const { node, region } = leader();
      const to = cluster.nodes.filter((other) => other !== node);
      void cluster.orders.transferLeader(region.id, to[random.integer(0, to.length)]!);
    },
  ];
}

describe('locks over a cluster', () => {
  it('are held through changes of leader, a crash of the leader and a partition of it', async () => {
    await using cluster = await startCoordinationCluster(3);
    const lock = await cluster.run(holder(cluster, 'a').acquire());
    const waiting = holder(cluster, 'b').acquire();
    let isTaken = false;
    void waiting.then(() => {
      isTaken = true;
    });
    for (const node of cluster.nodes) {
      await cluster.orders.transferLeader(coordinationLeader(cluster).region.id, node);
      await cluster.sleep(2 * ttlMs);
    }
    const { node } = coordinationLeader(cluster);
    cluster.crash(node);
    await cluster.sleep(2 * ttlMs);
    await cluster.restart(node);
    await cluster.sleep(ttlMs);
    const cut = coordinationLeader(cluster).node.storeId;
    cluster.network.partition([[cut], cluster.nodes.map(({ storeId }) => storeId).filter((id) => id !== cut)]);
    await cluster.sleep(2 * ttlMs);
    cluster.network.heal();
    await cluster.sleep(ttlMs);
    expect({ isHeld: lock.isHeld, isTaken }).toEqual({ isHeld: true, isTaken: false });
    await cluster.run(lock.release());
    expect((await cluster.run(waiting)).fencingToken).toBeGreaterThan(lock.fencingToken);
  });

  it('are known to be lost before another gets them, when no majority answers for longer than the ttl', async () => {
    await using cluster = await startCoordinationCluster(3);
    const lock = await cluster.run(holder(cluster, 'a').acquire());
    const waiting = holder(cluster, 'b').acquire();
    const lostAtMs: number[] = [];
    lock.signal.addEventListener('abort', () => lostAtMs.push(cluster.world.nowMs));
    await cluster.sleep(1_000);
    cluster.network.partition(cluster.nodes.map(({ storeId }) => [storeId]));
    await cluster.sleep(2 * ttlMs);
    expect(lostAtMs).toHaveLength(1);
    expect(lock.isHeld).toBe(false);
    cluster.network.heal();
    const next = await cluster.run(waiting);
    expect(lostAtMs[0]).toBeLessThan(cluster.world.nowMs);
    await expect(cluster.run(lock.guardedPut('r', 'late'))).rejects.toMatchObject({ code: 'conflict' });
    await cluster.run(next.guardedPut('r', 'mine'));
  });

  it('of a process that was killed are free after their ttl', async () => {
    await using cluster = await startCoordinationCluster(3);
    const a = holder(cluster, 'a');
    await cluster.run(a.acquire());
    const waiting = holder(cluster, 'b').acquire();
    await cluster.sleep(1_000);
    a.kill();
    const killedAtMs = cluster.world.nowMs;
    await cluster.run(waiting);
    expect(cluster.world.nowMs - killedAtMs).toBeLessThan(ttlMs + 2_000);
  });

  const seeds = Number(process.env['LOCK_SEEDS'] ?? 3);
  const firstSeed = Number(process.env['LOCK_FIRST_SEED'] ?? 1);
  it('are held by one at a time, whatever becomes of holders and stores', async () => {
    const totals = { grants: 0, losses: 0, stale: 0, guarded: 0, refusedGuarded: 0 };
    for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
      await using cluster = await startCoordinationCluster(3, { seed });
      const { world, clock } = cluster;
      const backendFor = (label: string) => connectProcess(cluster, label).backend;
      const place = { world, clock, backendFor, faults: faultsOf(cluster) };
      const options = { contenders: 5, ttlMs: 3_000, durationMs: 60_000, slackMs: 2_000 };
      const report = await new LockContention(place, options).run(async (ms, look) => {
        const endMs = world.nowMs + ms;
        const isOver = (): boolean => {
          look();
          return world.nowMs >= endMs;
        };
        await cluster.until('the time is over', isOver, ms + 1_000);
      });
      const verdict = checkFencing(report.events);
      const { violations } = report;
      expect({ seed, violations, outcome: verdict.outcome }).toEqual({ seed, violations: [], outcome: 'valid' });
      for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += report[key];
    }
    expect(totals.grants).toBeGreaterThan(10 * seeds);
    expect(totals.guarded).toBeGreaterThan(seeds);
    if (process.env['LOCK_SEEDS'] !== undefined) console.log(totals);
  }, 600_000);
});
