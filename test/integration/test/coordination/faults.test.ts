import type { Random } from '@flotilla/runtime';
import {
  awaitEqualReplicas,
  calmNetwork,
  checkRegister,
  checkWatch,
  cutAtRandom,
  describeVerdict,
  HistoryRecorder,
  isPassed,
  type TestCluster,
} from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { connectProcess, coordinationLeader, startCoordinationCluster } from './coordination-cluster.ts';
import { RecordedClient, RecordedLease, RecordedWatch } from './recorded-load.ts';

const everything = { key: Uint8Array.of(0), end: new Uint8Array(0) };

/** Crashes stores, moves leadership, cuts links and loses messages of clients, one after another. */
async function disturb(cluster: TestCluster, random: Random, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await cluster.sleep(random.integer(300, 2_000));
    const kind = random.integer(0, 4);
    const node = cluster.nodes[random.integer(0, cluster.nodes.length)]!;
    if (kind === 0) {
      cluster.crash(node, { keptShare: random.fraction() });
      await cluster.sleep(random.integer(50, 1_500));
      await cluster.restart(node);
    } else if (kind === 1) {
      cutAtRandom(cluster, random);
      await cluster.sleep(random.integer(500, 3_000));
      cluster.network.heal();
    } else if (kind === 2) {
      const lossy = { ...cluster.network.clientFaults, drop: 0.1, minDelayMs: 1, maxDelayMs: 40 };
      cluster.network.clientFaults = lossy;
      await cluster.sleep(random.integer(500, 2_000));
      cluster.network.clientFaults = { ...lossy, drop: 0, maxDelayMs: 1 };
    } else {
      const { region } = await ledRegion(cluster);
      const to = region.peers.find(({ storeId }) => storeId === node.storeId)!;
      cluster.scheduler.transferLeader(region.id, to);
    }
  }
  calmNetwork(cluster);
}

async function ledRegion(cluster: TestCluster): Promise<ReturnType<typeof coordinationLeader>> {
  for (;;) {
    try {
      return coordinationLeader(cluster);
    } catch {
      await cluster.sleep(50);
    }
  }
}

describe('coordination under crashes, partitions, lost messages and changes of leader', () => {
  it.each([1, 2, 3, 4])(
    'is linearizable, and watches and leases keep their promises, with seed %d',
    async (seed) => {
      const cluster = await startCoordinationCluster(3, { seed, syncMs: { min: 1, max: 6 } });
      const random = cluster.world.random.fork('coordination faults');
      const recorder = new HistoryRecorder(cluster.clock.clock);
      const processes = [1, 2, 3].map((number) => connectProcess(cluster, `${number}`));
      const clients = processes.map(
        ({ backend }, number) => new RecordedClient(backend, recorder, random.fork(`client ${number}`), number + 1),
      );
      const watches = [
        new RecordedWatch(processes[0]!.backend, everything),
        new RecordedWatch(processes[1]!.backend, { key: Buffer.from('register/'), end: Buffer.from('register0') }),
        new RecordedWatch(processes[2]!.backend, { key: Buffer.from('register/b') }),
      ];
      const leases = processes.map(
        (process, number) =>
          new RecordedLease(`${number}`, process, processes[(number + 1) % 3]!.backend, cluster.clock),
      );
      let isOver = false;
      const run = async (client: RecordedClient): Promise<void> => {
        while (!isOver) {
          await client.step();
          await cluster.clock.timers.sleep(20);
        }
      };
      const underWay = [...clients.map(run), ...leases.flatMap((lease) => [lease.hold(), lease.observe()])];
      await disturb(cluster, random, 8);
      await cluster.sleep(5_000);
      isOver = true;
      for (const lease of leases) lease.isOver = true;
      await cluster.run(Promise.all(underWay));

      expect(isPassed(checkRegister(recorder.operations()))).toBe(true);
      const answered = recorder.operations().filter(({ outcome }) => outcome === 'ok').length;
      expect(answered).toBeGreaterThan(200);
      expect(leases.flatMap(({ complaints }) => complaints)).toEqual([]);
      expect(leases.every(({ renewals }) => renewals > 5)).toBe(true);

      // Nobody keeps the leases alive any more: their keys go, whoever leads.
      const { backend } = connectProcess(cluster, 'last');
      const held = async (): Promise<number> =>
        (await backend.range({ key: Buffer.from('lease/'), end: Buffer.from('lease0') })).count;
      await cluster.sleep(20_000);
      expect(await cluster.run(held())).toBe(0);

      const { revision } = await cluster.run(
        backend.put({ key: Buffer.from('register/b'), value: Buffer.from('end') }),
      );
      for (const watch of watches) watch.requestProgress();
      await cluster.until('the watches have everything', () =>
        watches.every(({ completeThrough }) => completeThrough >= Number(revision)),
      );
      expect(watches.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
      const history = new RecordedWatch(backend, everything);
      await cluster.until('the history is read', () => history.completeThrough >= Number(revision));
      const committed = history.changes;
      const revisions = [...new Set(committed.map((change) => change.revision))];
      expect(revisions).toEqual(Array.from({ length: Number(revision) - 1 }, (_, index) => index + 2));
      const acknowledged = clients.flatMap((client) => client.revisions);
      expect(acknowledged.filter((one) => !revisions.includes(one))).toEqual([]);
      const covers = [() => true, (key: string) => key.startsWith('register/'), (key: string) => key === 'register/b'];
      for (const [number, { batches, completeThrough }] of watches.entries()) {
        const covered = committed.filter(({ key }) => covers[number]!(key));
        const verdict = checkWatch(covered, { name: `${number}`, startRevision: 1, batches, completeThrough });
        expect(describeVerdict(verdict)).toBe(describeVerdict({ ...verdict, outcome: 'valid' }));
        expect(batches.flat().length).toBe(covered.length);
      }
      expect(isPassed(await awaitEqualReplicas(cluster, 30_000))).toBe(true);
      expect(cluster.nodes.map(({ fatal }) => fatal)).toEqual([undefined, undefined, undefined]);
      await cluster.run(Promise.all([...watches, history].map((watch) => watch.close())));
      await cluster.run(
        Promise.all([backend, ...processes.map((process) => process.backend)].map((one) => one.close())),
      );
      await cluster.close();
    },
    120_000,
  );
});

describe('a change of leader', () => {
  it('gives a lease its whole time again, and never less', async () => {
    const cluster = await startCoordinationCluster(3);
    const { backend } = connectProcess(cluster, 'holder');
    const key = Buffer.from('held');
    const { leaseId, ttlMs } = await cluster.run(backend.grantLease({ ttlMs: 4_000 }));
    await cluster.run(backend.put({ key, value: key, leaseId }));
    for (let change = 0; change < 4; change += 1) {
      await cluster.sleep(ttlMs - 1_500);
      const { node: leader, region } = coordinationLeader(cluster);
      await cluster.orders.transferLeader(region.id, cluster.nodes.find((node) => node !== leader)!);
      const { remainingMs } = await cluster.run(backend.leaseStatus(leaseId));
      expect(remainingMs).toBeGreaterThan(ttlMs - 1_500);
    }
    const before = coordinationLeader(cluster);
    cluster.crash(before.node);
    await cluster.sleep(1_000);
    await cluster.restart(before.node);
    expect((await cluster.run(backend.range({ key }))).count).toBe(1);
    await cluster.sleep(3 * ttlMs);
    expect((await cluster.run(backend.range({ key }))).count).toBe(0);
    await cluster.run(backend.close());
    await cluster.close();
  });
});

describe('a snapshot', () => {
  it('carries keys, leases and history to a replica that lags, which then leads', async () => {
    const config = { logGcThreshold: 5, logGcMaxEntries: 20, snapshotGcIntervalMs: 1_000 };
    const cluster = await startCoordinationCluster(3, { config });
    const { backend } = connectProcess(cluster, 'writer');
    const { leaseId } = await cluster.run(backend.grantLease({ ttlMs: 60_000 }));
    await cluster.run(backend.put({ key: Buffer.from('held'), value: Buffer.from('x'), leaseId }));
    const { node: leader, region } = coordinationLeader(cluster);
    const laggard = cluster.nodes.find((node) => node !== leader)!;
    cluster.network.partition([cluster.nodes.filter((node) => node !== laggard).map(({ storeId }) => storeId)]);
    for (let number = 0; number < 60; number += 1) {
      await cluster.run(backend.put({ key: Buffer.from(`k${number % 7}`), value: Buffer.from(`${number}`) }));
    }
    const hasLeft = (): boolean => (cluster.statusOf(leader, region.id)?.firstIndex ?? 0) > 40;
    await cluster.until('the log has left the laggard behind', hasLeft);
    let isTakenIn = false;
    laggard.store!.snapshotEvents.subscribe((events) => {
      isTakenIn ||= events.some((event) => event.type === 'applied' && event.regionId === region.id);
    });
    cluster.network.heal();
    await cluster.until('the snapshot is taken in', () => isTakenIn);
    await cluster.orders.transferLeader(region.id, laggard);
    expect(coordinationLeader(cluster).node).toBe(laggard);
    const { kvs, revision } = await cluster.run(backend.range(everything));
    expect(kvs.map(({ key }) => Buffer.from(key).toString())).toEqual([
      'held',
      ...[0, 1, 2, 3, 4, 5, 6].map((n) => `k${n}`),
    ]);
    const { keys } = await cluster.run(backend.leaseStatus(leaseId, { keys: true }));
    expect(keys.map((key) => Buffer.from(key).toString())).toEqual(['held']);
    const history = new RecordedWatch(backend, everything);
    await cluster.until('the history is read', () => history.completeThrough >= Number(revision));
    expect(history.changes.map((change) => change.revision)).toEqual(
      Array.from({ length: 61 }, (_, index) => index + 2),
    );
    expect(isPassed(await awaitEqualReplicas(cluster, 30_000))).toBe(true);
    await cluster.run(history.close());
    await cluster.run(backend.close());
    await cluster.close();
  });
});
