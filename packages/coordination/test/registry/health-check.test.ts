import { describe, expect, it } from 'vitest';
import type { HealthCheck, HealthProber } from '../../src/index.ts';
import { HealthTracker } from '../../src/registry/health-tracker.ts';
import { RegistryWorld } from './registry-world.ts';

/** A prober whose findings are set by hand. */
class ScriptedProber implements HealthProber {
  /** Ports that do not answer well. */
  readonly sick = new Set<number>();
  /** Ports that do not answer at all. */
  readonly silent = new Set<number>();
  readonly probes: { readonly check: HealthCheck; readonly host: string; readonly port: number }[] = [];

  async probe(check: HealthCheck, target: { host: string; port: number }, signal: AbortSignal): Promise<void> {
    this.probes.push({ check, ...target });
    if (this.silent.has(target.port)) {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    if (this.sick.has(target.port)) throw new Error('sick');
  }
}

const config = { enableHealthCheck: true, healthCheckIntervalMs: 2_000, healthCheckTimeoutMs: 1_000 };
const info = { name: 'orders', instanceId: 'a', address: '10.0.0.1:8000' };

async function build(): Promise<{
  world: RegistryWorld;
  prober: ScriptedProber;
  healthOf(id: string): Promise<string | undefined>;
}> {
  const world = await RegistryWorld.open();
  const prober = new ScriptedProber();
  const { registry } = world.client('looker');
  const healthOf = async (id: string): Promise<string | undefined> =>
    (await world.run(registry.get('orders', id)))?.health;
  return { world, prober, healthOf };
}

describe('the check of an own instance', () => {
  it('makes it healthy at the first good result, and not before', async () => {
    const { world, prober, healthOf } = await build();
    prober.sick.add(8_000);
    const { registry } = world.client('a', config, { prober });
    await world.run(registry.register(info));
    expect(await healthOf('a')).toMatch(/unknown|unhealthy/);
    await world.world.advance(500);
    expect(await healthOf('a')).toBe('unhealthy');
    prober.sick.clear();
    await world.world.advance(2 * 2_000);
    expect(await healthOf('a')).toBe('healthy');
    expect(prober.probes[0]).toEqual({ check: { type: 'tcp' }, host: '10.0.0.1', port: 8_000 });
  });

  it('needs as many results in a row as configured to change', async () => {
    const { world, prober, healthOf } = await build();
    const { registry } = world.client(
      'a',
      { ...config, unhealthyAfterFailures: 3, healthyAfterSuccesses: 2 },
      { prober },
    );
    await world.run(registry.register(info));
    await world.world.advance(1_000);
    expect(await healthOf('a')).toBe('healthy');
    prober.sick.add(8_000);
    await world.world.advance(4_000);
    expect(await healthOf('a')).toBe('healthy');
    await world.world.advance(2_000);
    expect(await healthOf('a')).toBe('unhealthy');
    prober.sick.clear();
    await world.world.advance(2_000);
    expect(await healthOf('a')).toBe('unhealthy');
    await world.world.advance(2_000);
    expect(await healthOf('a')).toBe('healthy');
  });

  it('counts an answer that does not come in time as none', async () => {
    const { world, prober, healthOf } = await build();
    prober.silent.add(8_000);
    const { registry } = world.client('a', config, { prober });
    await world.run(registry.register(info));
    await world.world.advance(900);
    expect(await healthOf('a')).toBe('unknown');
    await world.world.advance(200);
    expect(await healthOf('a')).toBe('unhealthy');
  });

  it('does not overwrite maintenance', async () => {
    const { world, prober, healthOf } = await build();
    const client = world.client('a', config, { prober });
    await world.run(client.registry.register(info));
    await world.world.advance(1_000);
    await world.run(world.client('o').registry.updateHealth('orders', 'a', 'maintenance'));
    for (let round = 0; round < 5; round += 1) {
      if (round % 2 === 0) prober.sick.add(8_000);
      else prober.sick.clear();
      await world.world.advance(10_000);
      expect(await healthOf('a')).toBe('maintenance');
    }
    await world.run(world.client('p').registry.updateHealth('orders', 'a', 'unhealthy'));
    prober.sick.clear();
    await world.world.advance(5_000);
    expect(await healthOf('a')).toBe('healthy');
  });

  it('writes only what changes', async () => {
    const { world, prober } = await build();
    const { registry } = world.client('a', config, { prober });
    await world.run(registry.register(info));
    await world.world.advance(1_000);
    const before = await world.stored('a');
    await world.world.advance(60_000);
    expect(prober.probes.length).toBeGreaterThan(25);
    expect(await world.stored('a')).toEqual(before);
  });

  it('goes by the check that it was given, and ends with the registration', async () => {
    const { world, prober } = await build();
    const { registry } = world.client('a', config, { prober });
    const check: HealthCheck = { type: 'http', path: '/healthy', address: '10.0.0.9:9000' };
    const registration = await world.run(registry.register(info, { check }));
    await world.world.advance(1_000);
    expect(prober.probes[0]).toEqual({ check, host: '10.0.0.9', port: 9_000 });
    await world.run(registration.close());
    const { length } = prober.probes;
    await world.world.advance(60_000);
    expect(prober.probes).toHaveLength(length);
    await world.run(registry.register({ ...info, instanceId: 'b' }, { check: 'none' }));
    await world.world.advance(60_000);
    expect(prober.probes).toHaveLength(length);
  });
});

describe('a monitor', () => {
  it('writes what it finds into the records of all instances, those that come later too', async () => {
    const { world, prober, healthOf } = await build();
    for (const [id, port] of [
      ['a', 8_000],
      ['b', 8_001],
    ] as const) {
      const { registry } = world.client(id);
      await world.run(registry.register({ ...info, instanceId: id, address: `10.0.0.1:${port}` }));
    }
    prober.sick.add(8_001).add(8_002);
    const { registry } = world.client('m', config, { prober });
    const monitor = registry.monitor('orders', { check: { type: 'tcp' }, report: 'record' });
    await world.world.advance(10_000);
    expect([await healthOf('a'), await healthOf('b')]).toEqual(['healthy', 'unhealthy']);
    await world.run(world.client('c').registry.register({ ...info, instanceId: 'c', address: '10.0.0.1:8002' }));
    await world.world.advance(10_000);
    expect(await healthOf('c')).toBe('unhealthy');
    await world.run(monitor.close());
    const { length } = prober.probes;
    await world.world.advance(10_000);
    expect(prober.probes).toHaveLength(length);
  });

  it('leaves maintenance alone', async () => {
    const { world, prober, healthOf } = await build();
    await world.run(world.client('a').registry.register({ ...info, health: 'maintenance' }));
    const { registry } = world.client('m', config, { prober });
    registry.monitor('orders', { check: { type: 'tcp' }, report: 'record' });
    await world.world.advance(20_000);
    expect(prober.probes.length).toBeGreaterThan(0);
    expect(await healthOf('a')).toBe('maintenance');
  });

  it('keeps what it finds to its own registry when told to, until it is closed', async () => {
    const { world, prober, healthOf } = await build();
    const owner = world.client('a');
    await world.run(owner.registry.register(info));
    prober.sick.add(8_000);
    const client = world.client('m', config, { prober });
    const monitor = client.registry.monitor('orders', { check: { type: 'tcp' }, report: 'local' });
    await world.world.advance(10_000);
    expect(await world.discovered(client)).toEqual([]);
    expect(await world.discovered(owner)).toEqual(['a']);
    expect(await healthOf('a')).toBe('healthy');
    await world.run(monitor.close());
    expect(await world.discovered(client)).toEqual(['a']);
  });
});

describe('a tracker', () => {
  it('starts counting afresh when a result agrees with what is believed', () => {
    const tracker = new HealthTracker({ unhealthyAfterFailures: 3, healthyAfterSuccesses: 2 }, 'healthy');
    const statuses = [false, false, true, false, false, false, true, false, true, true].map((isWell) =>
      tracker.record(isWell),
    );
    expect(statuses).toEqual([
      'healthy',
      'healthy',
      'healthy',
      'healthy',
      'healthy',
      'unhealthy',
      'unhealthy',
      'unhealthy',
      'unhealthy',
      'healthy',
    ]);
  });
});
