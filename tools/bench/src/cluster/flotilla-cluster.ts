import type { Timers } from '@flotilla/runtime';
import { type Child, ownProcess } from './child.ts';
import type { NodeState } from './message.ts';
import type { Workshop } from './workshop.ts';

/** A scheduler and three storage nodes, each a process, with default settings. */
export interface FlotillaCluster {
  readonly processes: readonly Child[];
  readonly schedulerAddress: string;
  /** The storage node with the client inside. */
  readonly first: Child;
  /** Has the first node lead every region, each of which has a replica on every node. */
  settle(): Promise<void>;
}

/** Starts the scheduler, then the nodes, and waits until the first region has three replicas. */
export async function startFlotilla(
  workshop: Workshop,
  timers: Timers,
  profileDirectory: string | undefined,
): Promise<FlotillaCluster> {
  const schedulerPlan = ownProcess('scheduler', workshop.logPath('scheduler'), [workshop.makeDirectory('scheduler')]);
  const scheduler = workshop.start({ ...schedulerPlan, name: 'scheduler' });
  const { address: schedulerAddress } = await scheduler.reply('ready');
  const nodes: Child[] = [];
  for (const name of ['node-1', 'node-2', 'node-3']) {
    const profiling =
      profileDirectory === undefined
        ? []
        : ['--cpu-prof', '--cpu-prof-dir', profileDirectory, '--cpu-prof-name', `${name}.cpuprofile`];
    const args = [workshop.makeDirectory(name), schedulerAddress];
    const node = workshop.start({ ...ownProcess('storage-node', workshop.logPath(name), args, profiling), name });
    await node.reply('ready');
    nodes.push(node);
  }
  const [first] = nodes as [Child];
  const settle = async (): Promise<void> => {
    for (;;) {
      const states = await Promise.all(nodes.map(stateOf));
      const [own] = states as [NodeState];
      if (own.regions > 0 && own.leaders === own.regions && own.fewestPeers >= nodes.length) return;
      for (const [index, { leaders }] of states.entries()) {
        const node = nodes[index];
        if (node === undefined || node === first || leaders === 0) continue;
        node.send({ type: 'handOver', toStoreId: own.storeId });
        await node.reply('handedOver');
      }
      await timers.sleep(200);
    }
  };
  await settle();
  return { processes: [scheduler, ...nodes], schedulerAddress, first, settle };
}

async function stateOf(node: Child): Promise<NodeState> {
  node.send({ type: 'state' });
  return (await node.reply('state')).state;
}
