import type { Random } from '@flotilla/runtime';
import type { SimulatedClient, TestCluster } from '@flotilla/test-harness';
import { expectSame } from './scenario.ts';

/** Virtual time after which an operation that never succeeds fails the scenario. */
const patienceMs = 120_000;

/**
 * A client with keys of its own, which it puts in order and scans, half and half, and which knows what it must see: its
 * values one after the other, since it repeats each put until it is acknowledged.
 */
export class ScenarioClient {
  /** Values that were acknowledged, put together. */
  expected = '';
  count = 0;
  readonly #cluster: TestCluster;
  readonly #client: SimulatedClient;
  readonly #random: Random;
  readonly #prefix: string;
  readonly #number: number;

  constructor(cluster: TestCluster, number: number, round: number) {
    this.#cluster = cluster;
    const name = `${number} round ${round}`;
    // Nobody else writes its keys and each has one value, so that a put of unknown outcome may be put again.
    this.#client = cluster.createClient(name, { retryUnknownWrites: true, attemptTimeoutMs: 500 });
    this.#random = cluster.world.random.fork(`client ${name}`);
    this.#prefix = `${String(number).padStart(2, '0')} ${round} `;
    this.#number = number;
  }

  /** Works until `isOver`. */
  async work(meanPauseMs: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (this.#random.fraction() < 0.5) await this.#putNext();
      else expectSame(`scan of client ${this.#number}`, await this.#scan(), this.expected);
      await this.#client.runtime.timers.sleep(this.#random.fraction() * 2 * meanPauseMs);
    }
  }

  /** Every value is there, once and in order; then none, once they are deleted. */
  async verify(): Promise<void> {
    expectSame(`values of client ${this.#number} at the end`, await this.#scan(), this.expected);
    for (let number = 0; number < this.count; number += 1)
      await this.#insist(() => this.#client.delete(this.#key(number)));
    expectSame(`values of client ${this.#number} after their deletion`, await this.#scan(), '');
    await this.#client.close();
  }

  async #putNext(): Promise<void> {
    const value = `x ${this.#number} ${this.count} y`;
    await this.#insist(() => this.#client.put(this.#key(this.count), value));
    this.expected += value;
    this.count += 1;
  }

  async #scan(): Promise<string> {
    const pairs = await this.#insist(() => this.#client.scan(this.#prefix, `${this.#prefix}~`));
    return pairs.map(({ value }) => value).join('');
  }

  #key(number: number): string {
    return `${this.#prefix}${String(number).padStart(8, '0')}`;
  }

  /** Repeats an operation until it succeeds. */
  async #insist<T>(operation: () => Promise<T>): Promise<T> {
    const endMs = this.#cluster.world.nowMs + patienceMs;
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        if (this.#cluster.world.nowMs > endMs) throw error;
        await this.#client.runtime.timers.sleep(20);
      }
    }
  }
}
