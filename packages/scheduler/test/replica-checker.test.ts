import { MemoryDisk } from '@flotilla/engine';
import { eraftpb, metapb, schedulerpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, test } from 'vitest';
import { storeForReplica } from '../src/replica-checker.ts';
import type { SchedulerCore } from '../src/scheduler-core.ts';
import type { StoreLiveness, StoreView } from '../src/store-registry.ts';
import { openCore, peer, region, report, store } from './fixtures.ts';

function view(
  id: number,
  regionCount: number,
  liveness: StoreLiveness = 'up',
  state: metapb.StoreState = metapb.StoreState.Up,
): StoreView {
  const stats = schedulerpb.StoreStats.create({ storeId: id, regionCount });
  return { store: { ...store(id), state }, stats, liveness };
}

function reportOf(storeIds: readonly number[], pendingStoreIds: readonly number[] = []) {
  const peers = storeIds.map((storeId) => peer(100 + storeId, storeId));
  return {
    region: region({ peers }),
    leader: peers[0]!,
    pendingPeers: pendingStoreIds.map((storeId) => peer(100 + storeId, storeId)),
  };
}

describe('the store for a further replica', () => {
  const stores = [view(1, 0), view(2, 5), view(3, 2), view(4, 2)];

  test('has the fewest regions and none of this one', () => {
    expect(storeForReplica(reportOf([1]), stores, 3)).toBe(3);
    expect(storeForReplica(reportOf([1, 3]), stores, 3)).toBe(4);
    expect(storeForReplica(reportOf([1, 3, 4]), stores, 5)).toBe(2);
  });

  test('is not looked for when there are enough, or no stores for more', () => {
    expect(storeForReplica(reportOf([1, 2, 3]), stores, 3)).toBeUndefined();
    expect(storeForReplica(reportOf([1, 2, 3, 4]), stores, 5)).toBeUndefined();
  });

  test('is not looked for while a peer catches up', () => {
    expect(storeForReplica(reportOf([1, 3], [3]), stores, 3)).toBeUndefined();
  });

  test.each<StoreView>([
    view(2, 0, 'silent'),
    view(2, 0, 'disconnected'),
    view(2, 0, 'up', metapb.StoreState.Offline),
    view(2, 0, 'up', metapb.StoreState.Tombstone),
  ])('is neither silent nor leaving', (unfit) => {
    expect(storeForReplica(reportOf([1]), [view(1, 1), unfit], 3)).toBeUndefined();
  });
});

describe('the placement driver', () => {
  let world: SimulatedWorld;

  async function clusterOf(stores: number): Promise<SchedulerCore> {
    world = new SimulatedWorld(7);
    const { core } = await openCore(world.createRuntime('scheduler'), new MemoryDisk());
    await core.ids.allocate();
    await core.bootstrap(store(1), region());
    for (let id = 1; id <= stores; id += 1) {
      await core.putStore(store(id));
      core.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: id, regionCount: id === 1 ? 1 : 0 }));
    }
    return core;
  }

  function answer(core: SchedulerCore, heartbeat: schedulerpb.RegionHeartbeatRequest) {
    const result = core.regionHeartbeat(heartbeat);
    if (result.type === 'refused') throw new Error(result.message);
    return result.response;
  }

  test('makes up missing replicas, one after the other, up to the cluster’s count', async () => {
    const core = await clusterOf(4);
    const peers = [peer(101, 1)];
    let confVer = 1;
    for (const storeId of [2, 3]) {
      const { changePeer } = answer(core, report(region({ peers: [...peers], confVer })));
      expect(changePeer).toMatchObject({ changeType: eraftpb.ConfChangeType.AddNode, peer: { storeId } });
      // Until the leader shows it done, the same peer is asked for again.
      expect(answer(core, report(region({ peers: [...peers], confVer }))).changePeer).toEqual(changePeer);
      peers.push(changePeer!.peer!);
      confVer += 1;
    }
    expect(new Set(peers.map(({ id }) => id)).size).toBe(3);
    expect(answer(core, report(region({ peers, confVer }))).changePeer).toBeUndefined();
  });

  test('asks for nothing while the new replica catches up', async () => {
    const core = await clusterOf(3);
    const first = answer(core, report(region())).changePeer!.peer!;
    const grown = region({ peers: [peer(101, 1), first], confVer: 2 });
    expect(answer(core, { ...report(grown), pendingPeers: [first] }).changePeer).toBeUndefined();
    expect(answer(core, report(grown)).changePeer).toMatchObject({ peer: { storeId: 3 } });
  });

  test('takes back a replica whose store falls silent before it was added, and chooses another store', async () => {
    const core = await clusterOf(2);
    expect(answer(core, report(region())).changePeer?.peer?.storeId).toBe(2);
    await world.advance(250);
    expect(answer(core, report(region())).changePeer).toBeUndefined();
    await core.putStore(store(3));
    core.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 3 }));
    expect(answer(core, report(region())).changePeer?.peer?.storeId).toBe(3);
  });

  test('keeps what a person ordered, whatever the store', async () => {
    const core = await clusterOf(1);
    core.addOperator(100, { type: 'addPeer', peer: peer(900, 9) });
    await world.advance(250);
    expect(answer(core, report(region())).changePeer?.peer).toEqual(peer(900, 9));
  });

  test('asks for nothing while there is one store', async () => {
    expect(answer(await clusterOf(1), report(region())).changePeer).toBeUndefined();
  });
});
