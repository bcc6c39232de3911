import { metapb, schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { MockScheduler } from '@flotilla/scheduler-client';
import { firstValueFrom } from 'rxjs';

/** Begins a cluster of one store against a scheduler in memory, then asks for a second replica. */
export async function growRegion(runtime: Runtime): Promise<schedulerpb.RegionHeartbeatResponse> {
  const scheduler = new MockScheduler(runtime);
  const client = scheduler.createClient();

  const [storeId, regionId, peerId] = [await client.allocId(), await client.allocId(), await client.allocId()];
  const leader = metapb.Peer.create({ id: peerId, storeId });
  const regionEpoch = { confVer: 1, version: 1 };
  const region = metapb.Region.create({ id: regionId, regionEpoch, peers: [leader] });
  await client.bootstrap(metapb.Store.create({ id: storeId, address: '127.0.0.1:7410' }), region);

  // An order for the region's leader; each of the region's heartbeats is answered with it until one shows it done.
  scheduler.addPeer(regionId, metapb.Peer.create({ id: await client.allocId(), storeId: 99 }));
  const answer = firstValueFrom(client.regionHeartbeatResponses);
  client.regionHeartbeat(schedulerpb.RegionHeartbeatRequest.create({ region, leader }));
  return answer;
}
