import { deepEqual, equal } from 'node:assert/strict';
import { eraftpb, metapb, schedulerpb } from '@flotilla/protocol';
import {
  bootstrapped,
  type ComplianceCase,
  type ComplianceHarness,
  exchange,
  heartbeat,
  ids,
  key,
  noKey,
  peer,
  region,
  rejectsWith,
  store,
} from './compliance-fixture.ts';
import { operatorCompliance } from './operator-compliance.ts';
import { splitReportCompliance } from './split-report-compliance.ts';

export type { ComplianceCase, ComplianceHarness } from './compliance-fixture.ts';

/** What every implementation of `SchedulerClient` is held to. Independent of any test runner. */
export const schedulerClientCompliance: readonly ComplianceCase[] = [
  { name: 'gives out ids that never repeat, across clients and before the bootstrap', run: idsNeverRepeat },
  { name: 'refuses what needs a cluster before the bootstrap', run: refusesBeforeBootstrap },
  { name: 'bootstraps exactly once', run: bootstrapsOnce },
  { name: 'lets exactly one of many simultaneous bootstraps win', run: oneBootstrapWins },
  { name: 'keeps stores, and answers undefined for one never put', run: keepsStores },
  { name: 'lets no store back that was taken out or buried', run: refusesTombstone },
  { name: 'finds the first region by key, by id and by range', run: findsFirstRegion },
  { name: 'learns leaders and splits from heartbeats', run: learnsFromHeartbeats },
  { name: 'does not let a stale heartbeat undo a newer one', run: ignoresStaleHeartbeat },
  { name: 'answers a heartbeat with its region, epoch and leader', run: answersHeartbeat },
  { name: 'repeats an added peer until it has caught up', run: repeatsAddPeer },
  { name: 'repeats a removal and a transfer until a heartbeat shows them done, in order', run: repeatsInOrder },
  { name: 'answers only the client that sent the heartbeat', run: answersSenderOnly },
  { name: 'hands out ids for a split, and none for a region that is unknown', run: asksSplit },
  { name: 'hands out ids for several new regions at once', run: asksSplits },
  ...splitReportCompliance,
  ...operatorCompliance,
  { name: 'takes store heartbeats of known stores only', run: takesStoreHeartbeats },
  { name: 'rejects with cancelled once the signal has aborted', run: honoursSignal },
  { name: 'rejects with closed after close, which may be called twice', run: rejectsAfterClose },
];

async function idsNeverRepeat(harness: ComplianceHarness): Promise<void> {
  const [first, second] = [await harness.connect(), await harness.connect()];
  const drawn = await Promise.all(
    Array.from({ length: 60 }, (_, position) => (position % 2 === 0 ? first : second).allocId()),
  );
  equal(new Set(drawn).size, drawn.length);
  for (const id of drawn) equal(Number.isSafeInteger(id) && id > 0, true);
}

async function refusesBeforeBootstrap(harness: ComplianceHarness): Promise<void> {
  const client = await harness.connect();
  equal(await client.isBootstrapped(), false);
  await rejectsWith(client.putStore(store(1)), 'notBootstrapped');
  await rejectsWith(client.getStore(1), 'notBootstrapped');
  await rejectsWith(client.getAllStores(), 'notBootstrapped');
  await rejectsWith(client.getRegion(noKey), 'notBootstrapped');
  await rejectsWith(client.getRegionById(100), 'notBootstrapped');
  await rejectsWith(client.scanRegions(noKey, noKey, 10), 'notBootstrapped');
  await rejectsWith(client.askSplit(region(), 1), 'notBootstrapped');
  await rejectsWith(client.reportSplit([region({ end: 'm' }), region({ start: 'm', id: 200 })]), 'notBootstrapped');
  await rejectsWith(client.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 1 })), 'notBootstrapped');
}

async function bootstrapsOnce(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  equal(await client.isBootstrapped(), true);
  equal(await client.bootstrap(store(2), region({ id: 200, peers: [peer(201, 2)] })), 'alreadyBootstrapped');
  deepEqual(
    (await client.getAllStores()).map((known) => known.id),
    [1],
  );
  equal(await client.getRegionById(200), undefined);
}

async function oneBootstrapWins(harness: ComplianceHarness): Promise<void> {
  const stores = [1, 2, 3, 4];
  const outcomes = await Promise.all(
    stores.map(async (id) => {
      const client = await harness.connect();
      return client.bootstrap(store(id), region({ id: id * 100, peers: [peer(id * 100 + 1, id)] }));
    }),
  );
  equal(outcomes.filter((outcome) => outcome === 'bootstrapped').length, 1);
  const winner = stores[outcomes.indexOf('bootstrapped')];
  const client = await harness.connect();
  deepEqual(
    (await client.getAllStores()).map((known) => known.id),
    [winner],
  );
  equal((await client.getRegion(noKey))?.region.id, Number(winner) * 100);
}

async function keepsStores(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await client.putStore(store(2));
  await client.putStore({ ...store(1), address: '127.0.0.1:9' });
  deepEqual(await client.getStore(2), store(2));
  equal((await client.getStore(1))?.address, '127.0.0.1:9');
  equal(await client.getStore(77), undefined);
  deepEqual(
    (await client.getAllStores()).map((known) => known.id),
    [1, 2],
  );
}

async function refusesTombstone(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await client.putStore({ ...store(2), state: metapb.StoreState.Offline });
  await client.putStore(store(2));
  equal((await client.getStore(2))?.state, metapb.StoreState.Offline);
  await client.putStore({ ...store(2), state: metapb.StoreState.Tombstone });
  await rejectsWith(client.putStore(store(2)), 'storeTombstone');
  await rejectsWith(client.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 2 })), 'storeTombstone');
}

async function findsFirstRegion(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const found = await client.getRegion(key('anything'));
  deepEqual(found?.region.peers, [peer(101, 1)]);
  equal(found?.leader, undefined);
  equal((await client.getRegionById(100))?.region.id, 100);
  equal(await client.getRegionById(101), undefined);
  deepEqual(ids(await client.scanRegions(noKey, noKey, 10)), [100]);
}

async function learnsFromHeartbeats(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, region());
  deepEqual((await client.getRegion(key('k')))?.leader, peer(101, 1));
  await exchange(client, region({ id: 200, start: 'm', version: 2, peers: [peer(201, 1)] }));
  equal((await client.getRegion(key('z')))?.region.id, 200);
  await exchange(client, region({ end: 'm', version: 2 }));
  equal((await client.getRegion(key('a')))?.region.id, 100);
  deepEqual(ids(await client.scanRegions(noKey, noKey, 10)), [100, 200]);
  deepEqual(ids(await client.scanRegions(noKey, noKey, 1)), [100]);
  deepEqual(ids(await client.scanRegions(key('b'), key('m'), 10)), [100]);
  deepEqual(ids(await client.scanRegions(key('m'), noKey, 10)), [200]);
}

async function ignoresStaleHeartbeat(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, region({ end: 'm', version: 2 }));
  client.regionHeartbeat(heartbeat(region()));
  await exchange(client, region({ id: 200, start: 'm', version: 2, peers: [peer(201, 1)] }));
  const end = (await client.getRegionById(100))?.region.endKey;
  equal(end === undefined ? 'unknown' : new TextDecoder().decode(end), 'm');
}

async function answersHeartbeat(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const answer = await exchange(client, region());
  equal(answer.regionId, 100);
  deepEqual(answer.regionEpoch, { version: 1, confVer: 1 });
  deepEqual(answer.targetPeer, peer(101, 1));
  equal(answer.changePeer, undefined);
  equal(answer.transferLeader, undefined);
}

async function repeatsAddPeer(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const added = peer(102, 2);
  await harness.order(100, { type: 'addPeer', peer: added });
  for (let round = 0; round < 2; round += 1) {
    const { changePeer } = await exchange(client, region());
    deepEqual(changePeer, { peer: added, changeType: eraftpb.ConfChangeType.AddNode });
  }
  const grown = region({ confVer: 2, peers: [peer(101, 1), added] });
  await harness.order(100, { type: 'transferLeader', peer: added });
  const catchingUp = await exchange(client, grown, { pendingPeers: [added] });
  equal(catchingUp.changePeer, undefined);
  equal(catchingUp.transferLeader, undefined);
  const caughtUp = await exchange(client, grown);
  deepEqual(caughtUp.transferLeader, { peer: added });
}

async function repeatsInOrder(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const [first, second] = [peer(101, 1), peer(102, 2)];
  const both = region({ confVer: 2, peers: [first, second] });
  await harness.order(100, { type: 'transferLeader', peer: second });
  await harness.order(100, { type: 'removePeer', peer: first });
  for (let round = 0; round < 2; round += 1) {
    deepEqual((await exchange(client, both)).transferLeader, { peer: second });
  }
  const removal = { peer: first, changeType: eraftpb.ConfChangeType.RemoveNode };
  deepEqual((await exchange(client, both, { leader: second })).changePeer, removal);
  const alone = region({ confVer: 3, peers: [second] });
  const settled = await exchange(client, alone);
  equal(settled.changePeer, undefined);
  equal(settled.transferLeader, undefined);
}

async function answersSenderOnly(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const other = await harness.connect();
  let strays = 0;
  const subscription = other.regionHeartbeatResponses.subscribe(() => {
    strays += 1;
  });
  await exchange(client, region());
  await other.isBootstrapped();
  subscription.unsubscribe();
  equal(strays, 0);
}

async function asksSplit(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const three = region({ confVer: 2, peers: [peer(101, 1), peer(102, 2)] });
  await exchange(client, three);
  const { newRegionId, newPeerIds, ids } = await client.askSplit(three, 1);
  equal(newPeerIds.length, 2);
  deepEqual(ids, [{ newRegionId, newPeerIds }]);
  const drawn = [newRegionId, ...newPeerIds, await client.allocId()];
  equal(new Set(drawn).size, 4);
  await rejectsWith(client.askSplit(region({ id: 555 }), 1), 'regionNotFound');
  await rejectsWith(client.askSplit(region(), 1), 'regionNotFound');
}

async function asksSplits(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const two = region({ confVer: 2, peers: [peer(101, 1), peer(102, 2)] });
  await exchange(client, two);
  const answer = await client.askSplit(two, 3);
  deepEqual([answer.ids.length, answer.ids.map((split) => split.newPeerIds.length)], [3, [2, 2, 2]]);
  deepEqual(answer.ids[0], { newRegionId: answer.newRegionId, newPeerIds: answer.newPeerIds });
  const drawn = answer.ids.flatMap((split) => [split.newRegionId, ...split.newPeerIds]);
  equal(new Set([...drawn, await client.allocId()]).size, 10);
  await rejectsWith(client.askSplit(two, 0), 'invalidArgument');
  await rejectsWith(client.askSplit(two, 257), 'invalidArgument');
}

async function takesStoreHeartbeats(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await client.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 1, capacity: 10, available: 5 }));
  await rejectsWith(client.storeHeartbeat(schedulerpb.StoreStats.create({ storeId: 9 })), 'invalidArgument');
}

async function honoursSignal(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const signal = AbortSignal.abort();
  await rejectsWith(client.isBootstrapped(signal), 'cancelled');
  await rejectsWith(client.allocId(signal), 'cancelled');
  await rejectsWith(client.getRegion(noKey, signal), 'cancelled');
  await rejectsWith(client.bootstrap(store(1), region(), signal), 'cancelled');
}

async function rejectsAfterClose(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await client.close();
  await client.close();
  await rejectsWith(client.isBootstrapped(), 'closed');
  client.regionHeartbeat(heartbeat(region()));
}
