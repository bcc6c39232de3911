import { openClassicLevelEngine } from '@flotilla/engine';
import { metapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { LocalSchedulerClient, SchedulerCore } from '@flotilla/scheduler';

/** Begins a cluster, or goes on with it, over a database in `path`; returns an id and a timestamp never given before. */
export async function drawFromScheduler(path: string, runtime: Runtime) {
  const engine = await openClassicLevelEngine({ path });
  const core = await SchedulerCore.open({ engine, runtime, config: { maxPeerCount: 3 } });
  const client = new LocalSchedulerClient(core, runtime.timers);

  const region = metapb.Region.create({
    id: 1001,
    regionEpoch: { confVer: 1, version: 1 },
    peers: [metapb.Peer.create({ id: 1002, storeId: 1000 })],
  });
  const outcome = await client.bootstrap(metapb.Store.create({ id: 1000, address: '127.0.0.1:7410' }), region);
  const id = await client.allocId();
  const timestamp = await core.timestamps.allocate();

  await client.close();
  await core.close();
  await engine.close();
  return { outcome, clusterId: core.clusterId, id, timestamp };
}
