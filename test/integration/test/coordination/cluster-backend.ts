import {
  ClientChannel,
  type CoordinationBackend,
  createCoordinationMachine,
  MachineBackend,
} from '@flotilla/coordination';
import { TestCluster, type TestClusterOptions } from '@flotilla/test-harness';

const machine = createCoordinationMachine();

/** A simulated cluster of three stores whose coordination region is everywhere. */
export async function startCoordinationCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.start(3, { ...options, machines: [machine] });
}

/** A backend over a client of the cluster; lives by the cluster's clock. */
export function openClusterBackend(cluster: TestCluster, name: string): CoordinationBackend {
  const client = cluster.createMachineClient(name, machine.range.start);
  const channel = new ClientChannel(client, async () => {});
  const runtime = cluster.world.createRuntime(name);
  return new MachineBackend(channel, { name, location: { type: 'here' }, runtime });
}
