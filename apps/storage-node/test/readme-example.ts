import { createRawClient } from '@flotilla/client';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { GrpcSchedulerClient } from '@flotilla/scheduler-client';
import { resolveStorageNodeConfig, startStorageNode } from '@flotilla/storage-node';

/** Runs a node inside this program, on ports that the system chooses, and uses it as any client would. */
export async function greet(dataDir: string): Promise<string | undefined> {
  const runtime = createSystemRuntime({ logger: silentLogger });
  const any = '127.0.0.1:0';
  const config = resolveStorageNodeConfig({ dataDir, listen: any, http: any, schedulerListen: any });
  const node = await startStorageNode(config, runtime, { version: 'example' });
  const schedulerClient = await GrpcSchedulerClient.connect({ endpoints: [node.addresses.scheduler], runtime });
  const client = createRawClient({ schedulerClient, runtime });
  try {
    const earlier = await client.get(Buffer.from('hello'));
    await client.put(Buffer.from('hello'), Buffer.from('world'));
    return earlier === undefined ? undefined : Buffer.from(earlier).toString();
  } finally {
    await client.close();
    await schedulerClient.close();
    await node.close();
  }
}
