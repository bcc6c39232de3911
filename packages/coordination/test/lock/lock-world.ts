import { type SimulatedRuntime, SimulatedWorld } from '@flotilla/runtime';
import type { CoordinationBackend } from '../../src/backend/coordination-backend.ts';
import { prefixRange } from '../../src/backend/key-value.ts';
import { DistributedLock, type DistributedLockOptions } from '../../src/lock/distributed-lock.ts';
import { DirectMachine } from '../machine/direct-machine.ts';
import { SimulatedLink } from './simulated-link.ts';

/** A process of its own in a simulated world, with its own clock, and its own way to the store. */
export interface SimulatedProcess {
  readonly runtime: SimulatedRuntime;
  readonly link: SimulatedLink;
  readonly backend: CoordinationBackend;
  readonly locks: DistributedLock;
}

/** Processes around one store, in virtual time. */
export class LockWorld {
  readonly world: SimulatedWorld;
  /** The store without a way to it. */
  readonly backend: CoordinationBackend;
  readonly #network: SimulatedRuntime;

  private constructor(world: SimulatedWorld, machine: DirectMachine) {
    this.world = world;
    this.backend = machine.connect();
    this.#network = world.createRuntime('network');
  }

  static async open(seed = 1): Promise<LockWorld> {
    const world = new SimulatedWorld(seed);
    const machine = await DirectMachine.open({ runtime: world.createRuntime('store') });
    return new LockWorld(world, machine);
  }

  /** All keys there are. */
  async keys(): Promise<readonly string[]> {
    const { kvs } = await this.run(this.backend.range({ ...prefixRange(Buffer.alloc(0)), keysOnly: true }));
    return kvs.map(({ key }) => Buffer.from(key).toString());
  }

  leaseIds(): Promise<readonly bigint[]> {
    return this.run(this.backend.leases());
  }

  process(label: string, options: Partial<DistributedLockOptions> = {}): SimulatedProcess {
    const runtime = this.world.createRuntime(label);
    const link = new SimulatedLink(this.backend, this.#network, runtime);
    const backend = link.open();
    const locks = new DistributedLock({ backend, runtime, defaultTtlMs: 9_000, ...options });
    return { runtime, link, backend, locks };
  }

  /** Lets the world go on until the promise has settled; fails when it has not after `limitMs`. */
  async run<T>(promise: Promise<T>, limitMs = 300_000): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    if (!(await this.world.runUntil(() => isSettled, limitMs))) throw new Error('not settled in virtual time');
    return promise;
  }

  /** Whether the promise is still open after `forMs`. */
  async isOpen(promise: Promise<unknown>, forMs: number): Promise<boolean> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.world.advance(forMs);
    return !isSettled;
  }
}
