import { MemoryDisk } from '@flotilla/engine';
import { eraftpb, metapb, schedulerpb } from '@flotilla/protocol';
import { SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, test } from 'vitest';
import type { RegionOrder } from '../src/region-order.ts';
import type { SchedulerCore } from '../src/scheduler-core.ts';
import { key, openCore, peer, region, report, store } from './fixtures.ts';

const { AddNode, AddLearnerNode, RemoveNode } = eraftpb.ConfChangeType;
const { SUCCESS, CANCEL, RUNNING, REPLACE, TIMEOUT } = schedulerpb.OperatorStatus;
const learner = (id: number, storeId: number): metapb.Peer => ({ ...peer(id, storeId), role: metapb.PeerRole.Learner });

let world: SimulatedWorld;

async function clusterOf(stores: number): Promise<SchedulerCore> {
  world = new SimulatedWorld(7);
  const { core } = await openCore(world.createRuntime('scheduler'), new MemoryDisk());
  await core.ids.allocate();
  await core.bootstrap(store(1), region());
  for (let id = 1; id <= stores; id += 1) {
    await core.putStore(store(id));
    hear(core, id);
  }
  return core;
}

function hear(core: SchedulerCore, ...storeIds: readonly number[]): void {
  for (const id of storeIds) {
    core.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: id, regionCount: id === 1 ? 1 : 0 }));
  }
}

function answer(core: SchedulerCore, heartbeat: schedulerpb.RegionHeartbeatRequest) {
  const result = core.regionHeartbeat(heartbeat);
  if (result.type === 'refused') throw new Error(result.message);
  return result.response;
}

const three = [peer(101, 1), peer(102, 2), peer(103, 3)];
const settled = () => region({ peers: three, confVer: 5 });

describe('the replicas of a region', () => {
  test('are made up one after the other, each by way of a learner', async () => {
    const core = await clusterOf(4);
    const peers = [peer(101, 1)];
    let confVer = 1;
    for (const storeId of [2, 3]) {
      const { changePeer } = answer(core, report(region({ peers: [...peers], confVer })));
      expect(changePeer).toMatchObject({ changeType: AddLearnerNode, peer: { storeId } });
      // Until the leader shows it done, the same peer is asked for again.
      expect(answer(core, report(region({ peers: [...peers], confVer }))).changePeer).toEqual(changePeer);
      const added = changePeer!.peer!;
      const grown = report(region({ peers: [...peers, added], confVer: confVer + 1 }));
      expect(answer(core, { ...grown, pendingPeers: [added] }).changePeer).toBeUndefined();
      expect(answer(core, grown).changePeer).toEqual({ peer: peer(added.id, storeId), changeType: AddNode });
      peers.push(peer(added.id, storeId));
      confVer += 2;
    }
    expect(new Set(peers.map(({ id }) => id)).size).toBe(3);
    expect(answer(core, report(region({ peers, confVer }))).changePeer).toBeUndefined();
  });

  test('are not added to a store that falls silent first; another is chosen', async () => {
    const core = await clusterOf(2);
    expect(answer(core, report(region())).changePeer?.peer?.storeId).toBe(2);
    await world.advance(250);
    expect(answer(core, report(region())).changePeer).toBeUndefined();
    expect(core.getOperator(100)).toMatchObject({ status: CANCEL, reason: 'store 2 fell silent' });
    await core.putStore(store(3));
    hear(core, 3);
    expect(answer(core, report(region())).changePeer?.peer?.storeId).toBe(3);
  });

  test('are replaced when their store is dead: first added elsewhere, then removed', async () => {
    const core = await clusterOf(4);
    const down = [{ peer: peer(103, 3), downSeconds: 4 }];
    await world.advance(2900);
    hear(core, 1, 2, 4);
    expect(answer(core, { ...report(settled()), downPeers: down }).changePeer).toBeUndefined();
    await world.advance(150);
    hear(core, 1, 2, 4);
    const added = answer(core, { ...report(settled()), downPeers: down }).changePeer!;
    expect(added).toMatchObject({ changeType: AddLearnerNode, peer: { storeId: 4 } });
    const four = region({ peers: [...three, peer(added.peer!.id, 4)], confVer: 7 });
    const removal = { peer: peer(103, 3), changeType: RemoveNode };
    expect(answer(core, { ...report(four), downPeers: down }).changePeer).toEqual(removal);
    const mended = region({ peers: [...four.peers.filter(({ storeId }) => storeId !== 3)], confVer: 8 });
    expect(answer(core, report(mended)).changePeer).toBeUndefined();
    expect(core.getOperator(100)?.status).toBe(SUCCESS);
  });

  test('are replaced though the scheduler was started after the store had died', async () => {
    const core = await clusterOf(2);
    await core.putStore(store(9));
    const peers = [peer(101, 1), peer(102, 2), peer(109, 9)];
    await core.putStore(store(4));
    await world.advance(3050);
    hear(core, 1, 2, 4);
    const down = [{ peer: peer(109, 9), downSeconds: 4 }];
    const { changePeer } = answer(core, { ...report(region({ peers, confVer: 5 })), downPeers: down });
    expect(changePeer?.peer?.storeId).toBe(4);
  });

  test('are mended in a few regions at a time', async () => {
    const core = await clusterOf(2);
    const borders = ['', 'b', 'c', 'd', 'e', 'f', ''];
    const asked: number[] = [];
    for (let position = 0; position < 6; position += 1) {
      const id = 200 + position * 10;
      const part = region({ id, start: borders[position]!, end: borders[position + 1]!, version: 7 });
      const { changePeer } = answer(core, report(part));
      if (changePeer !== undefined) asked.push(id);
    }
    // Two on their way to the one other store are as many as it takes.
    expect(asked).toEqual([200, 210]);
  });

  test('are left alone for a while after a person’s order', async () => {
    const core = await clusterOf(4);
    answer(core, report(settled()));
    await core.orderOperator(100, { type: 'removePeer', peer: { storeId: 3 } });
    const two = region({ peers: three.slice(0, 2), confVer: 6 });
    expect(answer(core, report(two)).changePeer).toBeUndefined();
    await world.advance(490);
    hear(core, 1, 2, 3, 4);
    expect(answer(core, report(two)).changePeer).toBeUndefined();
    await world.advance(20);
    expect(answer(core, report(two)).changePeer).toMatchObject({ changeType: AddLearnerNode });
  });
});

describe('a person’s order', () => {
  test('to move a peer is carried out step by step, also when it leads', async () => {
    const core = await clusterOf(4);
    answer(core, report(settled()));
    const { operator } = await core.orderOperator(100, { type: 'movePeer', peer: { storeId: 1 }, storeId: 4 });
    const added = answer(core, report(settled())).changePeer!.peer!;
    expect(added).toMatchObject({ storeId: 4, role: metapb.PeerRole.Learner });
    const withLearner = region({ peers: [...three, added], confVer: 6 });
    const four = region({ peers: [...three, peer(added.id, 4)], confVer: 7 });
    expect(answer(core, report(withLearner)).changePeer?.changeType).toBe(AddNode);
    expect(answer(core, report(four)).transferLeader).toEqual({ peer: three[1] });
    expect(core.getOperatorById(operator.id)).toMatchObject({ status: RUNNING, finishedSteps: 2 });
    expect(answer(core, { ...report(four), leader: three[1] }).changePeer).toEqual({
      peer: three[0],
      changeType: RemoveNode,
    });
    const after = region({ peers: four.peers.slice(1), confVer: 8 });
    expect(answer(core, report(after)).changePeer).toBeUndefined();
    expect(core.getOperatorById(operator.id)).toMatchObject({ status: SUCCESS, finishedSteps: 4 });
  });

  test('reaches the leader at once, beside its heartbeats', async () => {
    const core = await clusterOf(3);
    const pushed: schedulerpb.RegionHeartbeatResponse[] = [];
    core.orders.subscribe((order) => pushed.push(order));
    await core.orderOperator(100, { type: 'splitRegion', keys: [key('m')] });
    // Nobody is known to lead yet.
    expect(pushed).toEqual([]);
    core.cancelOperators(100);
    answer(core, report(settled()));
    await core.orderOperator(100, { type: 'transferLeader', peer: { peerId: 102 } });
    expect(pushed).toMatchObject([{ regionId: 100, targetPeer: three[0], transferLeader: { peer: three[1] } }]);
  });

  test('takes the place of what the checker is doing', async () => {
    const core = await clusterOf(4);
    answer(core, report(region()));
    const mending = core.getOperator(100)!;
    expect(mending.operator.kind).toBe('replica');
    const { operator } = await core.orderOperator(100, { type: 'addPeer', storeId: 4 });
    expect(core.getOperatorById(mending.operator.id)?.status).toBe(REPLACE);
    expect(answer(core, report(region())).changePeer?.peer).toEqual(learner(operator.id + 1, 4));
  });

  test('ends when it takes too long, and when it is cancelled', async () => {
    const core = await clusterOf(3);
    answer(core, report(settled()));
    const slow = await core.orderOperator(100, { type: 'transferLeader', peer: { storeId: 2 } });
    await world.advance(2001);
    hear(core, 1, 2, 3);
    expect(core.getOperatorById(slow.operator.id)).toMatchObject({
      status: TIMEOUT,
      reason: 'not done within 2000 ms',
    });
    const other = await core.orderOperator(100, { type: 'transferLeader', peer: { storeId: 2 } });
    expect(core.cancelOperator(other.operator.id)).toMatchObject({ status: CANCEL, reason: 'cancelled' });
    expect(core.cancelOperator(other.operator.id)?.status).toBe(CANCEL);
    expect(core.cancelOperator(999_999)).toBeUndefined();
    expect(core.listOperators().map((record) => record.status)).toEqual([CANCEL, TIMEOUT]);
  });

  test('that is impossible is refused with what is in the way, and changes nothing', async () => {
    const core = await clusterOf(4);
    await core.putStore(store(5));
    await core.putStore({ ...store(6), state: metapb.StoreState.Offline });
    const down = [{ peer: three[2], downSeconds: 4 }];
    answer(core, { ...report(settled()), pendingPeers: [three[1]!], downPeers: down });
    const impossible: [RegionOrder, RegExp][] = [
      [{ type: 'addPeer', storeId: 2 }, /store 2 already has peer 102 of region 100/],
      [{ type: 'addPeer', storeId: 77 }, /there is no store 77/],
      [{ type: 'addPeer', storeId: 5 }, /store 5 has not been heard of since the scheduler started/],
      [{ type: 'addPeer', storeId: 6 }, /store 6 is leaving the cluster/],
      [{ type: 'movePeer', peer: { storeId: 4 }, storeId: 4 }, /store 4 has no peer of region 100, which has peer 101/],
      [{ type: 'removePeer', peer: { peerId: 9 } }, /region 100 has no peer 9; it has peer 101 on store 1/],
      [{ type: 'transferLeader', peer: { storeId: 1 } }, /peer 101 on store 1 leads region 100 already/],
      [{ type: 'transferLeader', peer: { storeId: 2 } }, /peer 102 on store 2 has not caught up yet/],
      [{ type: 'transferLeader', peer: { storeId: 3 } }, /peer 103 on store 3 does not answer its leader/],
    ];
    for (const [order, message] of impossible) {
      await expect(core.orderOperator(100, order), message.source).rejects.toMatchObject({
        code: 'impossible',
        message: expect.stringMatching(message),
      });
    }
    await expect(core.orderOperator(555, { type: 'addPeer', storeId: 4 })).rejects.toMatchObject({
      code: 'regionNotFound',
    });
    await world.advance(250);
    await expect(core.orderOperator(100, { type: 'addPeer', storeId: 4 })).rejects.toThrow(
      /store 4 is disconnected: it was last heard of 0 s ago/,
    );
    expect(core.listOperators()).toEqual([]);
  });

  test('for a region with an order under way is refused, as is the removal of the last replica', async () => {
    const core = await clusterOf(1);
    answer(core, report(region()));
    const removal: RegionOrder = { type: 'removePeer', peer: { storeId: 1 } };
    await expect(core.orderOperator(100, removal)).rejects.toThrow(/peer 101 on store 1 is the last replica/);
    const { operator } = await core.orderOperator(100, { type: 'splitRegion', keys: [] });
    await expect(core.orderOperator(100, { type: 'splitRegion', keys: [] })).rejects.toThrow(
      `region 100 has operator ${operator.id} under way (split in the middle)`,
    );
  });

  test('to split names keys within the region, in order', async () => {
    const core = await clusterOf(1);
    answer(core, report(region({ start: 'c', end: 'm', version: 2 })));
    const order = (...keys: string[]) => core.orderOperator(100, { type: 'splitRegion', keys: keys.map(key) });
    for (const outside of ['c', 'm', 'z']) await expect(order(outside)).rejects.toThrow(/keys\[0\] is not within/);
    await expect(order('f', 'e')).rejects.toMatchObject({ code: 'invalidArgument' });
    await order('e', 'f');
    const asked = answer(core, report(region({ start: 'c', end: 'm', version: 2 })));
    expect(asked.splitRegion?.keys).toEqual([key('e'), key('f')]);
  });
});
