import { type SimulatedRuntime, SimulatedWorld } from '@flotilla/runtime';
import {
  type CoordinationBackend,
  createServiceRegistry,
  type KeyValue,
  type Registration,
  type RegistrationEvent,
  type ServiceRegistry,
  type ServiceRegistryConfig,
  type ServiceRegistryOptions,
} from '../../src/index.ts';
import { DirectMachine } from '../machine/direct-machine.ts';
import { DistantBackend } from './distant-backend.ts';

/** The time to live of every instance in these tests. */
export const ttlMs = 9_000;

/** A process of the simulated world, with its own way to the backend. */
export interface RegistryClient {
  readonly runtime: SimulatedRuntime;
  readonly network: DistantBackend;
  readonly registry: ServiceRegistry;
}

/** A backend and any number of processes, in virtual time. */
export class RegistryWorld {
  readonly world: SimulatedWorld;
  /** The backend itself, for looking at what is there. */
  readonly backend: CoordinationBackend;

  readonly machine: DirectMachine;

  private constructor(world: SimulatedWorld, machine: DirectMachine) {
    this.world = world;
    this.machine = machine;
    this.backend = machine.connect();
  }

  static async open(seed = 1): Promise<RegistryWorld> {
    const world = new SimulatedWorld(seed);
    const machine = await DirectMachine.open({ runtime: world.createRuntime('backend') });
    return new RegistryWorld(world, machine);
  }

  client(
    label: string,
    config: Partial<ServiceRegistryConfig> = {},
    options: Partial<ServiceRegistryOptions> = {},
  ): RegistryClient {
    const runtime = this.world.createRuntime(label);
    const network = new DistantBackend(this.backend, runtime);
    const registry = createServiceRegistry({ backend: network, runtime, config: { ttlMs, ...config }, ...options });
    return { runtime, network, registry };
  }

  /** Runs the world until the promise has settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    if (!(await this.world.runUntil(() => isDone, 600_000))) throw new Error('the promise did not settle');
    return promise;
  }

  /** What a promise rejects with. */
  async refusal(promise: Promise<unknown>): Promise<unknown> {
    return await this.run(
      promise.then(
        (value) => {
          throw new Error(`resolved with ${String(value)}`);
        },
        (error: unknown) => error,
      ),
    );
  }

  /** Registers `orders` under an id. */
  register(client: RegistryClient, instanceId: string, metadata: Record<string, string> = {}): Promise<Registration> {
    const address = `10.0.0.1:${8_000 + instanceId.charCodeAt(0)}`;
    return this.run(client.registry.register({ name: 'orders', instanceId, address, metadata }));
  }

  /** The key of an instance of `orders` as it is stored. */
  async stored(instanceId: string): Promise<KeyValue | undefined> {
    const { kvs } = await this.run(this.backend.range({ key: Buffer.from(`/services/orders/${instanceId}`) }));
    return kvs[0];
  }

  /** The ids of the instances of `orders` that a client discovers. */
  async discovered(client: RegistryClient): Promise<string[]> {
    const { instances } = await this.run(client.registry.discover('orders'));
    return instances.map(({ instanceId }) => instanceId);
  }
}

/** The types of a registration's events, as they come. */
export function eventsOf(registration: Registration): RegistrationEvent[] {
  const events: RegistrationEvent[] = [];
  registration.events.subscribe((event) => events.push(event));
  return events;
}
