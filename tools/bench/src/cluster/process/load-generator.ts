import { createRawClient } from '@flotilla/client';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { GrpcSchedulerClient } from '@flotilla/scheduler-client';
import { EtcdStore } from '../etcd-store.ts';
import { FlotillaStore } from '../flotilla-store.ts';
import { fill, type LoadedStore, runLoad } from '../load.ts';
import type { LoadTarget } from '../message.ts';
import { serveRequests } from '../serve-requests.ts';

// The process that drives etcd and the cluster alike over gRPC.

const runtime = createSystemRuntime({ logger: silentLogger });

serveRequests(async (request, reply) => {
  if (request.type === 'stop') process.exit(0);
  if (request.type !== 'fill' && request.type !== 'load') throw new Error(`${request.type}: not what a generator does`);
  if (request.target === undefined) throw new Error(`${request.type}: no target`);
  const store = await connect(request.target, Math.min(request.plan.connections, request.plan.clients));
  try {
    if (request.type === 'fill') {
      await fill(store, request.plan);
      reply({ type: 'filled' });
    } else {
      const result = await runLoad(store, request.plan, runtime, () => reply({ type: 'measuring' }));
      reply({ type: 'loaded', result });
    }
  } finally {
    await store.close();
  }
});
process.send?.({ type: 'ready', address: '' });

async function connect(target: LoadTarget, connections: number): Promise<LoadedStore> {
  if (target.type === 'etcd') return new EtcdStore(target.address, connections);
  const schedulerClient = await GrpcSchedulerClient.connect({ endpoints: [target.schedulerAddress], runtime });
  const clients = Array.from({ length: connections }, () => createRawClient({ schedulerClient, runtime }));
  const store = new FlotillaStore(clients);
  return {
    put: (key, value) => store.put(key, value),
    get: (key) => store.get(key),
    close: async () => {
      await store.close();
      await schedulerClient.close();
    },
  };
}
