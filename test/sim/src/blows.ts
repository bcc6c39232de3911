import type { Random } from '@flotilla/runtime';
import type { TestCluster, TestNode } from '@flotilla/test-harness';
import type { EventTrace } from './event-trace.ts';

/** Milliseconds of an election timeout, at a pace of 1. */
export const electionMs = 1_000;

/** What blows are dealt to. */
export interface BlowsOptions {
  readonly cluster: TestCluster;
  readonly trace: EventTrace;
  readonly timeScale: number;
  /** Crashes a store, and starts it again after so long. */
  readonly crashFor: (node: TestNode, ms: number) => Promise<void>;
}

/** What ambushes do to a store; whoever deals a blow heals the network afterwards. */
export class Blows {
  readonly #options: BlowsOptions;
  /** Crashes whose stores have not started again. */
  #crashes: Promise<void>[] = [];

  constructor(options: BlowsOptions) {
    this.#options = options;
  }

  /** Any of these. */
  hurt(node: TestNode, random: Random): void {
    const dice = random.fraction();
    if (dice < 0.3) this.isolate(node);
    else if (dice < 0.45) this.isolateSoon(node, random);
    else if (dice < 0.6) this.deafen(node);
    else if (dice < 0.7) this.halve(node, random);
    else this.#follow(this.crashSoon(node, random));
  }

  /** Nobody but its clients reaches the store; every other link is whole. */
  isolate(node: TestNode): void {
    const { cluster } = this.#options;
    this.#note(`${node.name} is cut off`);
    cluster.network.partition([[node.storeId], this.#othersOf(node)]);
  }

  /** So late that some of what it sends now arrives. */
  isolateSoon(node: TestNode, random: Random): void {
    const { cluster } = this.#options;
    const { maxDelayMs } = cluster.network.faults;
    cluster.clock.timers.after(random.fraction() ** 2 * 4 * maxDelayMs, () => this.isolate(node));
  }

  /** The store hears no other; they hear it. */
  deafen(node: TestNode): void {
    this.#note(`${node.name} is deaf`);
    for (const other of this.#othersOf(node)) this.#options.cluster.network.cut(other, node.storeId);
  }

  /** Some stores stay with the store, the others are cut off from it. */
  halve(node: TestNode, random: Random): void {
    const others = this.#othersOf(node);
    const company = others.filter(() => random.fraction() < 0.4);
    this.#note(`${[node.storeId, ...company].join(' ')} are cut off from the others`);
    const rest = others.filter((one) => !company.includes(one));
    this.#options.cluster.network.partition([[node.storeId, ...company], rest]);
  }

  /** It crashes at once, and starts again after so long. */
  crash(node: TestNode, ms: number): void {
    this.#follow(this.#options.crashFor(node, ms));
  }

  /** Waits until every store has started again. @throws why one does not. */
  async end(): Promise<void> {
    const crashes = this.#crashes;
    this.#crashes = [];
    await Promise.all(crashes);
  }

  #follow(crash: Promise<void>): void {
    // Whether it fails is asked at the end.
    crash.catch(() => undefined);
    this.#crashes.push(crash);
  }

  /** It crashes within an election timeout, and starts again within another. */
  async crashSoon(node: TestNode, random: Random): Promise<void> {
    const { cluster, crashFor, timeScale } = this.#options;
    await cluster.clock.timers.sleep(random.fraction() ** 2 * electionMs * timeScale);
    await crashFor(node, 1 + random.fraction() ** 2 * electionMs * timeScale);
  }

  /** Syncs of one disk of a store take until so much time has passed, unless the store is started again. */
  hang(node: TestNode, which: 'kvDisk' | 'raftDisk', ms: number): void {
    const { cluster, timeScale } = this.#options;
    const { world } = cluster;
    const { runtime, [which]: disk } = node;
    const { faults: before } = disk;
    this.#note(`the ${which === 'kvDisk' ? 'data' : 'log'} disk of ${node.name} hangs`);
    const endMs = world.nowMs + ms * timeScale;
    const hung = {
      ...before,
      sync: async () => {
        if (node.runtime === runtime) await runtime.timers.sleep(Math.max(0, endMs - world.nowMs));
        return before.sync?.();
      },
    };
    disk.faults = hung;
    cluster.clock.timers.after(ms * timeScale, () => {
      if (disk.faults === hung) disk.faults = before;
    });
  }

  #othersOf(node: TestNode): number[] {
    return this.#options.cluster.nodes.filter((other) => other !== node).map(({ storeId }) => storeId);
  }

  #note(text: string): void {
    this.#options.trace.note(`ambush: ${text}`);
  }
}
