import type { Timers } from '@flotilla/runtime';
import { type Child, ownProcess } from './child.ts';
import { type EtcdCluster, startEtcd } from './etcd-cluster.ts';
import { type FlotillaCluster, startFlotilla } from './flotilla-cluster.ts';
import type { BenchRequest, LoadPlan, LoadResult, LoadTarget } from './message.ts';
import type { ClusterBenchOptions, OperationName, SystemName } from './options.ts';
import type { Workshop } from './workshop.ts';

/** One measurement: one system under one kind of load, once. */
export interface Measurement {
  readonly system: SystemName;
  readonly operation: OperationName;
  readonly clients: number;
  readonly round: number;
  readonly result: LoadResult;
  /** CPU seconds of each process that took part, by name, between the end of the warm-up and the end of the load. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

/** Everything that was measured. */
export interface ClusterBenchResult {
  readonly measurements: readonly Measurement[];
  /** The most memory that each process ever held, in bytes. */
  readonly peakBytes: Readonly<Record<string, number>>;
}

/** What a run needs beside its options. */
export interface ClusterBenchParts {
  readonly workshop: Workshop;
  readonly timers: Timers;
  /** Where etcd is; without it the other systems are measured alone. */
  readonly etcdCommand: string | undefined;
  /** Says what is going on. */
  readonly note: (text: string) => void;
}

/** One system, ready to be loaded. */
interface System {
  readonly name: SystemName;
  /** The process that runs the load. */
  readonly driver: Child;
  readonly servers: readonly Child[];
  /** What the driver is to load; `undefined` when it is its own. */
  prepare(): Promise<LoadTarget | undefined>;
}

const fillClients = 128;

/** Starts the systems, fills them, and measures them in turn: each round of a setting measures every system once. */
export async function measureClusters(
  options: ClusterBenchOptions,
  parts: ClusterBenchParts,
): Promise<ClusterBenchResult> {
  const systems = await startSystems(options, parts);
  const measurements: Measurement[] = [];
  for (const operation of options.operations) {
    for (const clients of options.clients) {
      for (let round = 1; round <= options.rounds; round += 1) {
        for (const system of systems) {
          const plan = planOf(options, operation, clients, round);
          const measurement = { system: system.name, round, ...(await measure(system, plan)) };
          measurements.push(measurement);
          const { operations: count, seconds } = measurement.result;
          const rate = Math.round(count / seconds).toLocaleString('en');
          parts.note(`${operation}, ${clients} clients, round ${round}/${options.rounds}: ${system.name} ${rate}/s`);
        }
      }
    }
  }
  const children = parts.workshop.children;
  const peakBytes = Object.fromEntries(children.map((child) => [child.name, child.usage?.peakBytes ?? 0]));
  return { measurements, peakBytes };
}

async function startSystems(options: ClusterBenchOptions, parts: ClusterBenchParts): Promise<System[]> {
  const { workshop, timers, etcdCommand, note } = parts;
  const wanted = options.systems.filter((name) => name !== 'etcd' || etcdCommand !== undefined);
  if (wanted.length < options.systems.length) note('etcd is not on the PATH: nothing to compare with');
  const systems: System[] = [];
  const plan = { ...planOf(options, 'put', fillClients, 0), warmUpMs: 0 };
  let generator: Promise<Child> | undefined;
  const generatorOnce = (): Promise<Child> => {
    generator ??= startGenerator(workshop);
    return generator;
  };
  if (wanted.includes('etcd') && etcdCommand !== undefined) {
    note('starting three etcd processes');
    const etcd = await startEtcd(etcdCommand, workshop, timers);
    systems.push(etcdSystem(etcd, await generatorOnce()));
  }
  if (wanted.includes('grpc') || wanted.includes('embedded')) {
    note('starting a scheduler and three storage nodes');
    const cluster = await startFlotilla(workshop, timers, options.profileDirectory);
    if (wanted.includes('grpc')) systems.push(grpcSystem(cluster, await generatorOnce()));
    if (wanted.includes('embedded')) systems.push(embeddedSystem(cluster));
  }
  for (const system of systems) {
    note(`filling ${system.name} with ${options.keys} keys`);
    const { driver } = system;
    driver.send(requestOf('fill', await system.prepare(), plan));
    await driver.reply('filled');
  }
  return systems;
}

async function startGenerator(workshop: Workshop): Promise<Child> {
  const plan = ownProcess('load-generator', workshop.logPath('generator'), []);
  const generator = workshop.start({ ...plan, name: 'generator' });
  await generator.reply('ready');
  return generator;
}

function etcdSystem(etcd: EtcdCluster, generator: Child): System {
  return {
    name: 'etcd',
    driver: generator,
    servers: etcd.processes,
    prepare: async () => ({ type: 'etcd', address: await etcd.leaderAddress() }),
  };
}

function grpcSystem(cluster: FlotillaCluster, generator: Child): System {
  return {
    name: 'grpc',
    driver: generator,
    servers: cluster.processes,
    async prepare() {
      await cluster.settle();
      return { type: 'flotilla', schedulerAddress: cluster.schedulerAddress };
    },
  };
}

function embeddedSystem(cluster: FlotillaCluster): System {
  return {
    name: 'embedded',
    driver: cluster.first,
    servers: cluster.processes,
    async prepare() {
      await cluster.settle();
      return undefined;
    },
  };
}

async function measure(system: System, plan: LoadPlan): Promise<Omit<Measurement, 'system' | 'round'>> {
  const { driver, servers } = system;
  const processes = servers.includes(driver) ? servers : [...servers, driver];
  const read = () => processes.map((child) => child.usage?.cpuSeconds ?? 0);
  driver.send(requestOf('load', await system.prepare(), plan));
  await driver.reply('measuring');
  const before = read();
  const { result } = await driver.reply('loaded');
  for (const child of processes) child.check();
  const used = read().map((seconds, index) => seconds - (before[index] ?? 0));
  const cpuSeconds = Object.fromEntries(processes.map((child, index) => [child.name, used[index] ?? 0]));
  return { operation: plan.operation, clients: plan.clients, result, cpuSeconds };
}

function requestOf(type: 'fill' | 'load', target: LoadTarget | undefined, plan: LoadPlan): BenchRequest {
  return target === undefined ? { type, plan } : { type, target, plan };
}

/** Every system gets the same keys in the same round. */
function planOf(options: ClusterBenchOptions, operation: OperationName, clients: number, round: number): LoadPlan {
  const { connections, keys, valueBytes, seconds, warmUpSeconds } = options;
  const times = { warmUpMs: warmUpSeconds * 1_000, measureMs: seconds * 1_000 };
  return { operation, clients, connections, keys, valueBytes, seed: round, ...times };
}
