import { createSeededRandom, type Random } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import type { Registration, ServiceList } from '../../src/index.ts';
import { type RegistryClient, RegistryWorld, ttlMs } from './registry-world.ts';

/** How long a live process that can reach the backend may take to be registered again after it could not. */
const comebackMs = ttlMs + 6_000;

interface Node {
  readonly id: string;
  client: RegistryClient;
  registration: Registration | undefined;
  /** Since when it has been as it is: dead, or alive and connected. */
  sinceMs: number;
  state: 'dead' | 'connected' | 'cut';
}

/** Processes that register, die, restart and are cut off by turns, and one watcher that is cut off too. */
class Storm {
  readonly world: RegistryWorld;
  readonly lists: ServiceList[] = [];
  readonly watcher: RegistryClient;
  readonly nodes: Node[] = [];
  readonly #random: Random;
  #lives = 0;

  private constructor(world: RegistryWorld, seed: number) {
    this.world = world;
    this.#random = createSeededRandom(seed).fork('storm');
    this.watcher = world.client('watcher');
    void this.#watch();
  }

  static async begin(seed: number): Promise<Storm> {
    const storm = new Storm(await RegistryWorld.open(seed), seed);
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const node: Node = { id, client: storm.watcher, registration: undefined, sinceMs: 0, state: 'dead' };
      storm.nodes.push(node);
      storm.#boot(node);
    }
    return storm;
  }

  async step(): Promise<void> {
    const node = this.nodes[this.#random.integer(0, this.nodes.length)] as Node;
    switch (this.#random.integer(0, 8)) {
      case 0:
        node.client.runtime.halt();
        this.#become(node, 'dead');
        break;
      case 1:
      case 2:
        if (node.state === 'dead') this.#boot(node);
        break;
      case 3:
        if (node.state !== 'dead') this.#cut(node, !node.client.network.isCut);
        break;
      case 4:
        this.watcher.network.isCut = !this.watcher.network.isCut;
        break;
      case 5:
        this.world.machine.loseConnections();
        break;
      case 6:
        if (node.state === 'connected') node.client.network.answersAreLost = this.#random.integer(0, 2) === 0;
        this.#become(node, node.state);
        break;
      default:
        await this.world.backend.compact(await this.#revision()).catch(() => undefined);
    }
    await this.world.world.advance(this.#random.integer(100, 6_000));
    await this.#check();
  }

  /** Ends all faults and waits for what then has to be so. */
  async settle(): Promise<void> {
    for (const node of this.nodes) {
      if (node.state !== 'dead') this.#cut(node, false);
      node.client.network.answersAreLost = false;
    }
    this.watcher.network.isCut = false;
    await this.world.world.advance(comebackMs + 80_000);
    const living = this.nodes.filter(({ state }) => state !== 'dead').map(({ id }) => id);
    expect(await this.#stored()).toEqual(living);
    const list = this.lists.at(-1) as ServiceList;
    expect(list).toMatchObject({ isStale: false, isProtected: false });
    expect(list.instances.map(({ instanceId }) => instanceId)).toEqual(living);
  }

  async #check(): Promise<void> {
    const stored = await this.#stored();
    const nowMs = this.world.world.nowMs;
    for (const { id, state, sinceMs, client } of this.nodes) {
      const forMs = nowMs - sinceMs;
      if (state === 'dead' && forMs > ttlMs + 2_000) expect(stored, `${id} is dead`).not.toContain(id);
      const isWell = state === 'connected' && !client.network.answersAreLost;
      if (isWell && forMs > comebackMs) expect(stored, `${id} is alive`).toContain(id);
    }
  }

  async #watch(): Promise<void> {
    for await (const list of this.watcher.registry.watch('orders')) this.lists.push(list);
  }

  #boot(node: Node): void {
    this.#lives += 1;
    node.client = this.world.client(`${node.id} ${this.#lives}`);
    const { registry, runtime } = node.client;
    const register = async (): Promise<void> => {
      for (;;) {
        try {
          node.registration = await registry.register({ name: 'orders', instanceId: node.id, address: '10.0.0.1:80' });
          return;
        } catch {
          await runtime.timers.sleep(500);
        }
      }
    };
    void register();
    this.#become(node, 'connected');
  }

  #cut(node: Node, isCut: boolean): void {
    node.client.network.isCut = isCut;
    this.#become(node, isCut ? 'cut' : 'connected');
  }

  #become(node: Node, state: Node['state']): void {
    node.state = state;
    node.sinceMs = this.world.world.nowMs;
  }

  async #stored(): Promise<string[]> {
    const range = { key: Buffer.from('/services/orders/'), end: Buffer.from('/services/orders0') };
    const { kvs } = await this.world.run(this.world.backend.range(range));
    return kvs.map(({ key }) => Buffer.from(key).toString().slice('/services/orders/'.length));
  }

  async #revision(): Promise<bigint> {
    const { revision } = await this.world.run(this.world.backend.range({ key: Buffer.from('/') }));
    return revision;
  }
}

describe('a registry under faults', () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    it(`lists the living and drops the dead in time, and converges (seed ${seed})`, async () => {
      const storm = await Storm.begin(seed);
      for (let step = 0; step < 80; step += 1) await storm.step();
      await storm.settle();
    });
  }
});
