import { createSystemRuntime, type Runtime, silentLogger } from '@flotilla/runtime';
import { connectivityState, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BackendError,
  type ConnectionOptions,
  createServiceRegistry,
  type LoadBalanceStrategy,
  type Registration,
  type ServiceChannel,
  type ServiceRegistry,
  ValidationError,
} from '../../../src/index.ts';
import { DirectMachine } from '../../machine/direct-machine.ts';
import { DistantBackend } from '../distant-backend.ts';
import { codeOf, NamedServer, NamesClient, tally, until } from './named-server.ts';

const servers: NamedServer[] = [];
const registries: ServiceRegistry[] = [];
const machines: DirectMachine[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.release();
    server.kill();
  }
  for (const registry of registries.splice(0)) await registry.close();
  for (const machine of machines.splice(0)) machine.close();
});

/** A registry in real time, with servers that are registered in it. */
class Fleet {
  readonly network: DistantBackend;
  readonly registry: ServiceRegistry;
  readonly registrations = new Map<string, Registration>();

  private constructor(machine: DirectMachine, runtime: Runtime) {
    machines.push(machine);
    this.network = new DistantBackend(machine.connect(), runtime);
    this.registry = createServiceRegistry({ backend: this.network, runtime });
    registries.push(this.registry);
  }

  static async open(): Promise<Fleet> {
    const runtime = createSystemRuntime({ logger: silentLogger, seed: 42 });
    return new Fleet(await DirectMachine.open({ runtime }), runtime);
  }

  async start(name: string, metadata: Record<string, string> = {}): Promise<NamedServer> {
    const server = await new NamedServer(name).start();
    servers.push(server);
    await this.register(server, metadata);
    return server;
  }

  async register(server: NamedServer, metadata: Record<string, string> = {}): Promise<void> {
    const info = { name: 'names', instanceId: server.name, address: server.address, metadata };
    this.registrations.set(server.name, await this.registry.register(info));
  }

  async leave(server: NamedServer): Promise<void> {
    await this.registrations.get(server.name)?.close();
  }

  /** A client of a channel that is connected to all the given servers. */
  async connect(
    strategy: LoadBalanceStrategy,
    connected: readonly NamedServer[],
    options: ConnectionOptions = {},
  ): Promise<{ client: NamesClient; channel: ServiceChannel }> {
    const channel = await this.registry.getConnection('names', strategy, options);
    const client = new NamesClient(channel);
    await reach(client, connected);
    return { client, channel };
  }
}

/** Calls until each of the servers has answered, with keys of every kind. */
async function reach(client: NamesClient, connected: readonly NamedServer[]): Promise<void> {
  const answered = new Set<string>();
  let calls = 0;
  await until(async () => {
    calls += 1;
    answered.add(await client.get({ waits: true, headers: { 'x-sticky-key': `reach ${calls}` } }));
    return connected.every(({ name }) => answered.has(name));
  });
}

/** Each member is within one of its share, from wherever the counting begins: within two. */
function expectShares(names: readonly string[], shares: Readonly<Record<string, number>>): void {
  const counted = tally(names);
  expect(Object.keys(counted).sort()).toEqual(Object.keys(shares));
  for (const [name, share] of Object.entries(shares)) {
    expect(Math.abs((counted[name] ?? 0) - share)).toBeLessThanOrEqual(2);
  }
}

describe('a channel of a service', () => {
  it('gives each instance its turn under round robin', async () => {
    const fleet = await Fleet.open();
    const all = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c')];
    const { client } = await fleet.connect('roundRobin', all);
    expect(tally(await client.names(150))).toEqual({ a: 50, b: 50, c: 50 });
  });

  it('picks by chance under random, each equally often', async () => {
    const fleet = await Fleet.open();
    const all = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c')];
    const { client } = await fleet.connect('random', all);
    const names = await client.names(900);
    // 900 draws with a chance of a third have a standard deviation of 14; five of them.
    for (const count of Object.values(tally(names))) expect(Math.abs(count - 300)).toBeLessThan(71);
    expect(names.filter((name, index) => name === names[index - 1]).length).toBeGreaterThan(200);
  });

  it('follows the weights under weighted, also when one changes', async () => {
    const fleet = await Fleet.open();
    const all = [
      await fleet.start('a', { weight: '5' }),
      await fleet.start('b', { weight: '3' }),
      await fleet.start('c'),
    ];
    const { client } = await fleet.connect('weighted', all);
    expectShares(await client.names(450), { a: 250, b: 150, c: 50 });
    await fleet.registrations.get('a')?.setMetadata({ weight: '0' });
    await until(async () => !(await client.names(8)).includes('a'));
    expectShares(await client.names(200), { b: 150, c: 50 });
  });

  it('gives requests to whom has the fewest under way under least connections', async () => {
    const fleet = await Fleet.open();
    const [a, b, c] = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c')];
    const { client } = await fleet.connect('leastConn', [a, b, c]);
    const received = [a, b, c].map(({ received }) => received);
    let answered = 0;
    const hold = async (): Promise<void> => {
      await client.get({ request: 'hold' });
      answered += 1;
    };
    const all = Array.from({ length: 30 }, hold);
    await until(() => a.held.length + b.held.length + c.held.length === 30);
    expect([a, b, c].map((server, index) => server.received - (received[index] ?? 0))).toEqual([10, 10, 10]);
    b.release();
    c.release();
    await until(() => answered === 20);
    expect(tally(await client.names(100))).toEqual({ b: 50, c: 50 });
    a.release();
    await Promise.all(all);
    expect(tally(await client.names(90))).toEqual({ a: 30, b: 30, c: 30 });
  });

  it('does not count calls that are cancelled, also before they begin', async () => {
    const fleet = await Fleet.open();
    const a = await fleet.start('a');
    const { client } = await fleet.connect('leastConn', [a]);
    for (let call = 0; call < 60; call += 1) {
      const controller = new AbortController();
      const cancelled = codeOf(client.get({ signal: controller.signal }));
      // Some before an instance is picked, some between that and the call's beginning, some after it.
      for (let step = 0; step < call % 6; step += 1) await Promise.resolve();
      controller.abort();
      expect(await cancelled).toBe(status.CANCELLED);
    }
    // Were they counted for ever, nothing would go to the one that they were given to.
    const b = await fleet.start('b');
    await reach(client, [a, b]);
    expect(tally(await client.names(100))).toEqual({ a: 50, b: 50 });
  });

  it('keeps the requests of one key at one instance under sticky', async () => {
    const fleet = await Fleet.open();
    const all = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c')];
    const { client } = await fleet.connect('sticky', all);
    const ask = async (key: string): Promise<string> => await client.get({ headers: { 'x-sticky-key': key } });
    const keys = Array.from({ length: 60 }, (_, index) => `customer ${index}`);
    const first: string[] = [];
    for (const key of keys) first.push(await ask(key));
    for (const [index, key] of keys.entries()) expect(await ask(key)).toBe(first[index]);
    expect(Object.keys(tally(first)).sort()).toEqual(['a', 'b', 'c']);
    await fleet.leave(all[2] as NamedServer);
    await until(async () => !(await client.names(6)).includes('c'));
    for (const [index, key] of keys.entries()) {
      if (first[index] !== 'c') expect(await ask(key)).toBe(first[index]);
    }
  });

  it('prefers instances of its zone, and takes others when there is none', async () => {
    const fleet = await Fleet.open();
    const near = await fleet.start('near', { zone: 'north' });
    await fleet.start('far', { zone: 'south' });
    const { client } = await fleet.connect('roundRobin', [near], { zone: 'north' });
    expect(tally(await client.names(20))).toEqual({ near: 20 });
    await fleet.leave(near);
    await until(async () => (await client.get({ waits: true })) === 'far');
    expect(tally(await client.names(20))).toEqual({ far: 20 });
  });

  it('takes in an instance that comes, and lets one go that leaves, while its calls run to their end', async () => {
    const fleet = await Fleet.open();
    const a = await fleet.start('a');
    const { client } = await fleet.connect('roundRobin', [a]);
    const b = await fleet.start('b');
    await reach(client, [a, b]);
    expect(tally(await client.names(100))).toEqual({ a: 50, b: 50 });
    const calls = [client.get({ request: 'hold' }), client.get({ request: 'hold' })];
    await until(() => a.held.length === 1 && b.held.length === 1);
    await fleet.leave(a);
    await until(async () => !(await client.names(4)).includes('a'));
    const { received } = a;
    expect(tally(await client.names(100))).toEqual({ b: 100 });
    expect(a.received).toBe(received);
    a.release();
    b.release();
    expect((await Promise.all(calls)).sort()).toEqual(['a', 'b']);
  });

  it('calls no instance that is unhealthy, draining or in maintenance', async () => {
    const fleet = await Fleet.open();
    const all = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c'), await fleet.start('d')];
    const { client } = await fleet.connect('roundRobin', all);
    await fleet.registry.updateHealth('names', 'a', 'unhealthy');
    await fleet.registry.updateHealth('names', 'b', 'maintenance');
    await fleet.registry.setDraining('names', 'c', true);
    await until(async () => tally(await client.names(4))['d'] === 4);
    expect(tally(await client.names(50))).toEqual({ d: 50 });
    await fleet.registry.updateHealth('names', 'a', 'healthy');
    await reach(client, [all[0] as NamedServer, all[3] as NamedServer]);
    expect(tally(await client.names(50))).toEqual({ a: 25, d: 25 });
  });

  it('goes on with the others when a server is killed, and takes it back when it returns', async () => {
    const fleet = await Fleet.open();
    const [a, b] = [await fleet.start('a'), await fleet.start('b')];
    const options = {
      channelOptions: { 'grpc.initial_reconnect_backoff_ms': 20, 'grpc.max_reconnect_backoff_ms': 50 },
    };
    const { client } = await fleet.connect('roundRobin', [a, b], options);
    a.kill();
    await until(async () => (await Promise.all([1, 2, 3, 4].map(() => codeOf(client.get())))).every((code) => !code));
    expect(tally(await client.names(50))).toEqual({ b: 50 });
    await a.start();
    await reach(client, [a, b]);
    expect(tally(await client.names(50))).toEqual({ a: 25, b: 25 });
  });

  it('follows an instance that moves to another address', async () => {
    const fleet = await Fleet.open();
    const before = await fleet.start('a');
    const { client } = await fleet.connect('roundRobin', [before]);
    const after = await new NamedServer('a').start();
    servers.push(after);
    await fleet.register(after);
    await until(async () => {
      await client.get({ waits: true });
      return after.received > 0;
    });
    before.kill();
    expect(tally(await client.names(20))).toEqual({ a: 20 });
  });

  it('fails calls while there is no instance, but for those that wait', async () => {
    const fleet = await Fleet.open();
    const client = new NamesClient(await fleet.registry.getConnection('names', 'roundRobin'));
    const error = await client.get().catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('no instance') });
    const waiting = client.get({ waits: true });
    await fleet.start('a');
    expect(await waiting).toBe('a');
  });

  it('leaves out an instance whose calls keep failing', async () => {
    const fleet = await Fleet.open();
    const [a, b] = [await fleet.start('a'), await fleet.start('b')];
    const { client } = await fleet.connect('roundRobin', [a, b], { outliers: { consecutiveFailures: 3 } });
    a.failure = status.INTERNAL;
    const codes: (status | undefined)[] = [];
    for (let call = 0; call < 40; call += 1) codes.push(await codeOf(client.get()));
    expect(codes.filter((code) => code === status.INTERNAL)).toHaveLength(3);
    a.failure = status.NOT_FOUND;
    expect(tally(await client.names(20))).toEqual({ b: 20 });
  });

  it('does not hold it against an instance that a request was wrong', async () => {
    const fleet = await Fleet.open();
    const [a, b] = [await fleet.start('a'), await fleet.start('b')];
    const { client } = await fleet.connect('roundRobin', [a, b], { outliers: { consecutiveFailures: 3 } });
    a.failure = status.INVALID_ARGUMENT;
    const codes: (status | undefined)[] = [];
    for (let call = 0; call < 40; call += 1) codes.push(await codeOf(client.get()));
    expect(codes.filter((code) => code === status.INVALID_ARGUMENT)).toHaveLength(20);
  });

  it('wakes up from idleness with the instances of then', async () => {
    const fleet = await Fleet.open();
    const a = await fleet.start('a');
    const options = { channelOptions: { 'grpc.client_idle_timeout_ms': 1_000 } };
    const { client, channel } = await fleet.connect('roundRobin', [a], options);
    await until(() => channel.getConnectivityState(false) === connectivityState.IDLE);
    const b = await fleet.start('b');
    await fleet.leave(a);
    await fleet.registry.discover('names');
    expect(await client.get({ waits: true })).toBe('b');
    expect(b.received).toBe(1);
  });

  it('heals when the backend lets it in at last', async () => {
    const fleet = await Fleet.open();
    const range = fleet.network.range.bind(fleet.network);
    fleet.network.range = () => Promise.reject(new BackendError('permissionDenied', 'no right to read'));
    const client = new NamesClient(await fleet.registry.getConnection('names', 'roundRobin'));
    expect(await client.get().catch((error: Error) => error.message)).toContain('no right to read');
    fleet.network.range = range;
    await fleet.start('a');
    await fleet.registry.discover('names');
    expect(await client.get({ waits: true })).toBe('a');
  });

  it('goes on while the backend is away', async () => {
    const fleet = await Fleet.open();
    const all = [await fleet.start('a'), await fleet.start('b')];
    const { client } = await fleet.connect('roundRobin', all);
    fleet.network.isCut = true;
    expect(tally(await client.names(100))).toEqual({ a: 50, b: 50 });
    fleet.network.isCut = false;
  });

  it('ends with its signal, its registry, or itself', async () => {
    const fleet = await Fleet.open();
    const a = await fleet.start('a');
    const controller = new AbortController();
    const aborted = await fleet.connect('roundRobin', [a], { signal: controller.signal });
    const disposed = await fleet.connect('roundRobin', [a]);
    const left = await fleet.connect('roundRobin', [a]);
    controller.abort();
    await disposed.channel[Symbol.asyncDispose]();
    disposed.channel.close();
    await expect(aborted.client.get()).rejects.toThrow('shut down');
    await expect(disposed.client.get()).rejects.toThrow('shut down');
    expect(await left.client.get()).toBe('a');
    await fleet.registry.close();
    await expect(left.client.get()).rejects.toThrow('shut down');
  });

  it('refuses a strategy that is none', async () => {
    const fleet = await Fleet.open();
    const connecting = fleet.registry.getConnection('names', 'fastest' as 'random');
    await expect(connecting).rejects.toBeInstanceOf(ValidationError);
  });
});
