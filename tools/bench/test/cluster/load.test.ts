import { SimulatedWorld } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { fill, keyOf, type LoadedStore, runLoad } from '../../src/cluster/load.ts';
import type { LoadPlan } from '../../src/cluster/message.ts';

const plan: LoadPlan = {
  operation: 'put',
  clients: 3,
  connections: 1,
  keys: 10,
  valueBytes: 256,
  warmUpMs: 100,
  measureMs: 1_000,
  seed: 1,
};

/** A store in simulated time that takes 10 ms for everything. */
class SlowStore implements LoadedStore {
  readonly values = new Map<string, Uint8Array>();
  readonly world = new SimulatedWorld(1);
  readonly runtime = this.world.createRuntime('load');
  underWay = 0;
  mostUnderWay = 0;
  refuses = false;

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#pass();
    this.values.set(Buffer.from(key).toString(), value);
  }

  async get(key: Uint8Array): Promise<void> {
    await this.#pass();
    if (!this.values.has(Buffer.from(key).toString())) throw new Error('the key is not there');
  }

  async close(): Promise<void> {}

  async #pass(): Promise<void> {
    if (this.refuses) throw new Error('refused');
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await this.runtime.timers.sleep(10);
    this.underWay -= 1;
  }
}

it('fills a store with every key once', async () => {
  const store = new SlowStore();
  const filling = fill(store, plan);
  await store.world.advance(1_000);
  await filling;
  expect([...store.values.keys()].sort()).toEqual(
    Array.from({ length: 10 }, (_, position) => Buffer.from(keyOf(position)).toString()),
  );
  expect(store.values.values().next().value?.length).toBe(256);
});

it('keeps as many operations under way as there are clients, and counts those that end within the measurement', async () => {
  const store = new SlowStore();
  let measuringSinceMs: number | undefined;
  const beganMs = store.runtime.clock.monotonicMs();
  const running = runLoad(store, plan, store.runtime, () => {
    measuringSinceMs = store.runtime.clock.monotonicMs() - beganMs;
  });
  await store.world.advance(2_000);
  const result = await running;
  expect(store.mostUnderWay).toBe(3);
  expect(measuringSinceMs).toBe(100);
  expect(result).toMatchObject({ operations: 300, seconds: 1, p50Ms: 10, p99Ms: 10, errors: 0 });
});

it('counts what fails, and does not spin', async () => {
  const store = new SlowStore();
  store.refuses = true;
  const running = runLoad(store, { ...plan, operation: 'get' }, store.runtime, () => {});
  await store.world.advance(2_000);
  expect(await running).toMatchObject({ operations: 0, errors: 330, firstError: 'refused' });
});
