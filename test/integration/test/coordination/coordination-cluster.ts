import {
  ClientChannel,
  type CoordinationBackend,
  createCoordinationMachine,
  MachineBackend,
  machineRange,
} from '@flotilla/coordination';
import type { SimulatedRuntime } from '@flotilla/runtime';
import { TestCluster, type TestClusterOptions } from '@flotilla/test-harness';
import { awaitRegions, type LedRegion, leaderOfKey } from '../raftstore/split-cluster.ts';

/** One process of the simulated world, with its own way to the cluster's coordination. */
export interface CoordinationProcess {
  readonly runtime: SimulatedRuntime;
  readonly backend: CoordinationBackend;
  /** Ends the process suddenly: nothing it armed runs, and nothing it asked for is answered. */
  kill(): void;
}

/** A cluster with coordination, once its three regions are everywhere. */
export async function startCoordinationCluster(
  count: number,
  options: Omit<TestClusterOptions, 'machines'> = {},
): Promise<TestCluster> {
  const cluster = await TestCluster.start(count, { ...options, machines: [createCoordinationMachine()] });
  await awaitRegions(cluster, 3);
  return cluster;
}

/** A process that reaches the coordination through a client of its own. */
export function connectProcess(cluster: TestCluster, name: string): CoordinationProcess {
  const runtime = cluster.world.createRuntime(`process ${name}`);
  const client = cluster.createMachineClient(name, machineRange.start);
  const channel = new ClientChannel(client, async () => {});
  const backend = new MachineBackend(channel, { name, location: { type: 'here' }, runtime });
  const kill = (): void => {
    runtime.halt();
    // The client of a cluster has a runtime of its own, whose answers would go on to wake the dead.
    void backend.close();
  };
  return { runtime, backend, kill };
}

/** The leader of the coordination's region, which there is. */
export function coordinationLeader(cluster: TestCluster): LedRegion {
  const led = leaderOfKey(cluster, 'm');
  if (led === undefined) throw new Error('nobody leads the coordination');
  return led;
}
