import type { SimulatedRuntime } from '@flotilla/runtime';
import { errorOf, type TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { leaderOfKey } from '../split-cluster.ts';
import type { CounterMachine, CounterTrace } from './counter-machine.ts';
import { callCounter, counterCall, counterOn, startMachineCluster } from './machine-cluster.ts';

/** Calls the counter with numbers of which no two are alike, each only once, and notes which were acknowledged. */
class Caller {
  readonly acknowledged: number[] = [];
  readonly #cluster: TestCluster;
  readonly #timers: SimulatedRuntime['timers'];
  #next = 1;
  isOver = false;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#timers = cluster.clock.timers;
  }

  async run(): Promise<void> {
    while (!this.isOver) {
      const led = leaderOfKey(this.#cluster, 'm');
      const number = this.#next;
      this.#next += 1;
      // A store that crashes never answers.
      void led?.node.store?.execute(counterCall(led, String(number))).then((result) => {
        if (errorOf(result) === undefined) this.acknowledged.push(number);
      });
      await this.#timers.sleep(7);
    }
  }
}

function expectOnce(entries: readonly number[], acknowledged: readonly number[]): void {
  expect(new Set(entries).size).toBe(entries.length);
  expect(acknowledged.filter((number) => !entries.includes(number))).toEqual([]);
}

describe('calls of a machine', () => {
  it.each([0, 0.3, 0.7, 1])(
    'are applied once, wherever one store crashes, with %d of what was not synced',
    async (share) => {
      for (let crashMs = 0; crashMs < 60; crashMs += 3) {
        const trace: CounterTrace = { machines: [] };
        const cluster = await startMachineCluster(1, { trace, seed: crashMs + 1, syncMs: { min: 1, max: 9 } });
        const [node] = cluster.nodes;
        const caller = new Caller(cluster);
        void caller.run();
        await cluster.sleep(50 + crashMs);
        caller.isOver = true;
        cluster.crash(node!, { keptShare: share });
        await cluster.restart(node!);
        const sum = Number(await callCounter(cluster, '100000'));
        const { entries } = trace.machines.at(-1)!;
        expectOnce(entries, caller.acknowledged);
        expect(entries.reduce((left, right) => left + right, 0)).toBe(sum);
        expect(caller.acknowledged.length).toBeGreaterThan(0);
        await cluster.close();
      }
    },
  );

  it.each([1, 2, 3, 4])('are applied once on all of three stores that crash in turn, with seed %d', async (seed) => {
    const trace: CounterTrace = { machines: [] };
    const cluster = await startMachineCluster(3, { trace, seed, syncMs: { min: 1, max: 9 } });
    const random = cluster.world.random.fork('crashes');
    const caller = new Caller(cluster);
    void caller.run();
    for (let round = 0; round < 12; round += 1) {
      await cluster.sleep(random.integer(10, 800));
      const node = cluster.nodes[random.integer(0, 3)]!;
      cluster.crash(node, { keptShare: random.fraction() });
      await cluster.sleep(random.integer(0, 300));
      await cluster.restart(node);
    }
    caller.isOver = true;
    const sum = Number(await callCounter(cluster, '100000'));
    const counters = (): (CounterMachine | undefined)[] => cluster.nodes.map((node) => counterOn(trace, node));
    await cluster.until('all replicas have the same', () => counters().every((counter) => counter?.sum === sum));
    const [first, ...others] = counters();
    expectOnce(first!.entries, caller.acknowledged);
    for (const counter of others) expect(counter!.entries).toEqual(first!.entries);
    expect(caller.acknowledged.length).toBeGreaterThan(50);
    await cluster.close();
  });
});
