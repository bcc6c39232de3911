import { createProgramLogger } from '@flotilla/program';
import { flotillapb, metapb, raft_cmdpb } from '@flotilla/protocol';
import { createSystemRuntime } from '@flotilla/runtime';
import { routeGrpcLogs } from '@flotilla/server';
import { defaultStorageNodeConfig, startStorageNode } from '@flotilla/storage-node';
import { FlotillaStore } from '../flotilla-store.ts';
import { fill, runLoad } from '../load.ts';
import type { NodeState } from '../message.ts';
import { serveRequests } from '../serve-requests.ts';

// `storage-node.js DATA_DIRECTORY SCHEDULER_ADDRESS`: a storage node with default settings, and a client inside it.

const [dataDir = '', scheduler = ''] = process.argv.slice(2);
const options = { logLevel: 'warn', logFormat: 'json' } as const;
const logger = createProgramLogger(options, { isTerminal: false, showsColour: false });
routeGrpcLogs(logger);
const runtime = createSystemRuntime({ logger });
const config = {
  ...defaultStorageNodeConfig,
  ...options,
  dataDir,
  scheduler,
  listen: '127.0.0.1:0',
  http: '127.0.0.1:0',
};
const node = await startStorageNode(config, runtime, { version: 'bench' });
const client = node.createClient();
const store = new FlotillaStore([client]);

serveRequests(async (request, reply) => {
  switch (request.type) {
    case 'fill':
      await fill(store, request.plan);
      reply({ type: 'filled' });
      return;
    case 'load': {
      const result = await runLoad(store, request.plan, runtime, () => reply({ type: 'measuring' }));
      reply({ type: 'loaded', result });
      return;
    }
    case 'state':
      reply({ type: 'state', state: stateOf(node.store.status()) });
      return;
    case 'handOver':
      await handOver(request.toStoreId);
      reply({ type: 'handedOver' });
      return;
    case 'stop':
      await client.close();
      await node.close();
      process.exit(0);
  }
});
process.send?.({ type: 'ready', address: node.addresses.grpc });

function stateOf(regions: readonly flotillapb.RegionStatus[]): NodeState {
  return {
    storeId: node.storeId,
    regions: regions.length,
    leaders: regions.filter(isLeader).length,
    fewestPeers: Math.min(...regions.map(({ region }) => region?.peers.filter(isVoter).length ?? 0)),
  };
}

/** A replica that was just added is a learner, which counts for no quorum. */
function isVoter({ role }: metapb.Peer): boolean {
  return role === metapb.PeerRole.Voter;
}

async function handOver(toStoreId: number): Promise<void> {
  for (const { region, peer } of node.store.status().filter(isLeader)) {
    const target = region?.peers.find(({ storeId }) => storeId === toStoreId);
    if (region === undefined || target === undefined) continue;
    const header = raft_cmdpb.RaftRequestHeader.create({ regionId: region.id, peer, regionEpoch: region.regionEpoch });
    const adminRequest = raft_cmdpb.AdminRequest.create({
      cmdType: raft_cmdpb.AdminCmdType.TransferLeader,
      transferLeader: { peer: target },
    });
    await node.store.execute(raft_cmdpb.RaftCmdRequest.create({ header, adminRequest }));
  }
}

function isLeader({ role }: flotillapb.RegionStatus): boolean {
  return role === flotillapb.RaftRole.Leader;
}
