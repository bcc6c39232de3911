import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import Table from 'cli-table3';
import { findEtcd } from '../cluster/etcd-cluster.ts';
import { median } from '../cluster/statistics.ts';
import { Workshop } from '../cluster/workshop.ts';
import { type LoadName, type LoadSizes, loadNames } from './load.ts';
import { measureMachine } from './machine-alone.ts';
import { type CoordinationMeasurement, measureCoordination } from './measure.ts';
import type { SystemName } from './system.ts';

const sizes: LoadSizes = { clients: 64, putMs: 5_000, watchers: 1_000, updates: 200, instances: 10_000 };

const loadTexts: Readonly<Record<LoadName, string>> = {
  put: `put, ${sizes.clients} callers`,
  watch: `an update reaches ${sizes.watchers} watchers`,
  register: `register ${sizes.instances}: lease and key`,
  renew: 'renew a lease',
  discover: `read all ${sizes.instances}`,
  update: 'update an instance',
};

const systemTexts: Readonly<Record<SystemName, string>> = {
  etcd: 'etcd, one node',
  directory: 'embedded, directory',
  memory: 'embedded, memory',
};

/**
 * Measures the coordination machine alone, and then what registry, locks and configuration are made of: embedded in this process,
 * in memory and in a directory, beside one etcd on this machine if it is installed. `args` is the number of rounds, 3 unless given.
 */
export async function runCoordinationSuite(print: (line: string) => void, args: readonly string[]): Promise<void> {
  const rounds = Number(args[0] ?? '3');
  const runtime = createSystemRuntime({ logger: silentLogger });
  const alone = await measureMachine(runtime, { commands: 100_000, subscribers: sizes.watchers, updates: 500 });
  print(
    `the machine alone: ${whole(alone.putsPerSecond)} puts/s, ${whole(alone.transactionsPerSecond)} lock attempts/s, ` +
      `${whole(alone.deliveriesPerSecond)} pieces/s to ${whole(alone.subscribers)} subscribers`,
  );
  const workshop = new Workshop();
  const giveUp = (): void => {
    void workshop.clear().finally(() => process.exit(130));
  };
  process.once('SIGINT', giveUp);
  process.once('SIGTERM', giveUp);
  try {
    const etcdCommand = findEtcd(process.env['PATH'] ?? '');
    if (etcdCommand === undefined) print('etcd is not on the path: measured without it');
    const systems: SystemName[] = [...(etcdCommand === undefined ? [] : (['etcd'] as const)), 'directory', 'memory'];
    const note = (text: string): void => {
      process.stderr.write(`${text}\n`);
    };
    const found = await measureCoordination({ systems, rounds, sizes, workshop, runtime, etcdCommand, note });
    print(render(found, systems));
  } finally {
    await workshop.clear();
    process.off('SIGINT', giveUp);
    process.off('SIGTERM', giveUp);
  }
}

/** Medians over the rounds; ratios to etcd within each round. */
function render(found: readonly CoordinationMeasurement[], systems: readonly SystemName[]): string {
  const head = ['', 'system', 'ops/s', '× etcd', 'p50 ms', 'p99 ms', 'CPU µs/op', 'MiB'];
  const colAligns = head.map((name) => (['', 'system'].includes(name) ? 'left' : 'right') as 'left' | 'right');
  const table = new Table({ head, colAligns, style: { head: [], border: [] } });
  for (const load of loadNames) {
    for (const system of systems) {
      const rounds = found.filter((one) => one.load === load && one.system === system);
      const ratios = rounds.flatMap((one) => {
        const rival = found.find((it) => it.load === load && it.system === 'etcd' && it.round === one.round);
        return rival === undefined || system === 'etcd' ? [] : [rateOf(one) / rateOf(rival)];
      });
      table.push([
        loadTexts[load],
        systemTexts[system],
        whole(median(rounds.map(rateOf))),
        ratios.length === 0 ? '' : median(ratios).toFixed(2),
        median(rounds.map(({ p50Ms }) => p50Ms)).toFixed(2),
        median(rounds.map(({ p99Ms }) => p99Ms)).toFixed(2),
        whole(median(rounds.map(({ cpuSeconds, operations }) => (cpuSeconds * 1e6) / operations))),
        whole(median(rounds.map(({ memoryBytes }) => memoryBytes / 1024 ** 2))),
      ]);
    }
  }
  return table.toString();
}

function rateOf({ operations, seconds }: CoordinationMeasurement): number {
  return operations / seconds;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
