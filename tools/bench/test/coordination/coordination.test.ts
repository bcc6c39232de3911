import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { findEtcd } from '../../src/cluster/etcd-cluster.ts';
import { Workshop } from '../../src/cluster/workshop.ts';
import { loadNames } from '../../src/coordination/load.ts';
import { measureMachine } from '../../src/coordination/machine-alone.ts';
import { measureCoordination } from '../../src/coordination/measure.ts';
import type { SystemName } from '../../src/coordination/system.ts';

const runtime = createSystemRuntime({ logger: silentLogger });
const sizes = { clients: 4, putMs: 50, watchers: 5, updates: 3, instances: 20 };

it('the machine alone is measured', async () => {
  const figures = await measureMachine(runtime, { commands: 100, subscribers: 5, updates: 3 });
  expect(figures.putsPerSecond).toBeGreaterThan(0);
  expect(figures.transactionsPerSecond).toBeGreaterThan(0);
  expect(figures.deliveriesPerSecond).toBeGreaterThan(0);
});

it('every load runs on every system that is there', async ({ annotate }) => {
  const workshop = new Workshop();
  onTestFinished(() => workshop.clear());
  const etcdCommand = findEtcd(process.env['PATH'] ?? '');
  if (etcdCommand === undefined) await annotate('etcd is not installed: measured without it');
  const systems: SystemName[] = ['memory', 'directory', ...(etcdCommand === undefined ? [] : (['etcd'] as const))];
  const found = await measureCoordination({
    systems,
    rounds: 1,
    sizes,
    workshop,
    runtime,
    etcdCommand,
    note: () => {},
  });
  expect(found.map(({ system, load }) => `${system} ${load}`)).toEqual(
    systems.flatMap((system) => loadNames.map((load) => `${system} ${load}`)),
  );
  const operations = (load: string): number[] => found.filter((one) => one.load === load).map((one) => one.operations);
  expect(operations('watch')).toEqual(systems.map(() => sizes.watchers * sizes.updates));
  expect(operations('register')).toEqual(systems.map(() => sizes.instances));
  expect(operations('put').every((count) => count > 0)).toBe(true);
}, 60_000);
