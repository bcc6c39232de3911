import { deepEqual, equal } from 'node:assert/strict';
import { eraftpb, metapb, type schedulerpb } from '@flotilla/protocol';
import {
  bootstrapped,
  type ComplianceCase,
  type ComplianceHarness,
  exchange,
  heartbeat,
  key,
  peer,
  region,
} from './compliance-fixture.ts';

/** What every implementation makes of operators of several steps. */
export const operatorCompliance: readonly ComplianceCase[] = [
  { name: 'adds a learner, and promotes it once it has caught up', run: promotesLearner },
  { name: 'moves leadership away before it removes a leader', run: evictsLeader },
  { name: 'asks for a joint change, and for its end', run: changesJointly },
  { name: 'asks for a split until a report shows it done', run: splits },
  { name: 'keeps what a heartbeat tells beyond its region', run: takesFigures },
];

const { AddNode, AddLearnerNode, RemoveNode } = eraftpb.ConfChangeType;
const { Learner, IncomingVoter, DemotingVoter } = metapb.PeerRole;

const [first, second, third] = [peer(101, 1), peer(102, 2), peer(103, 3)];

async function promotesLearner(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const learner = { ...second, role: Learner };
  await harness.order(100, { type: 'addLearner', peer: second }, { type: 'promoteLearner', peer: second });
  for (let round = 0; round < 2; round += 1) {
    deepEqual((await exchange(client, region())).changePeer, { peer: learner, changeType: AddLearnerNode });
  }
  const grown = region({ confVer: 2, peers: [first, learner] });
  equal((await exchange(client, grown, { pendingPeers: [learner] })).changePeer, undefined);
  for (let round = 0; round < 2; round += 1) {
    deepEqual((await exchange(client, grown)).changePeer, { peer: second, changeType: AddNode });
  }
  const done = await exchange(client, region({ confVer: 3, peers: [first, second] }));
  equal(done.changePeer, undefined);
}

async function evictsLeader(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const three = region({ confVer: 3, peers: [first, second, third] });
  await harness.order(100, { type: 'evictLeader', peer: first }, { type: 'removePeer', peer: first });
  const asked = await exchange(client, three, { pendingPeers: [second] });
  deepEqual(asked.transferLeader, { peer: third });
  equal(asked.changePeer, undefined);
  deepEqual((await exchange(client, three)).transferLeader, { peer: second });
  const removal = { peer: first, changeType: RemoveNode };
  deepEqual((await exchange(client, three, { leader: third })).changePeer, removal);
}

async function changesJointly(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const changes = [
    { peer: third, changeType: AddNode },
    { peer: { ...second, role: Learner }, changeType: AddLearnerNode },
  ];
  await harness.order(100, { type: 'changePeers', changes });
  const before = region({ confVer: 3, peers: [first, second, { ...third, role: Learner }] });
  for (let round = 0; round < 2; round += 1) deepEqual((await exchange(client, before)).changePeerV2, { changes });
  const [incoming, demoting] = [
    { ...third, role: IncomingVoter },
    { ...second, role: DemotingVoter },
  ];
  const joint = region({ confVer: 5, peers: [first, demoting, incoming] });
  deepEqual((await exchange(client, joint)).changePeerV2, { changes: [] });
  const after = region({ confVer: 7, peers: [first, { ...second, role: Learner }, third] });
  equal((await exchange(client, after)).changePeerV2, undefined);
}

async function splits(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await harness.order(100, { type: 'splitRegion', keys: [key('m')], version: 1 });
  for (let round = 0; round < 2; round += 1) {
    deepEqual(splitKeys(await exchange(client, region())), ['m']);
  }
  // A split elsewhere is not the one that was asked for.
  const narrower = region({ end: 't', version: 2 });
  deepEqual(splitKeys(await exchange(client, narrower)), ['m']);
  equal((await exchange(client, region({ end: 'm', version: 3 }))).splitRegion, undefined);
  await harness.order(100, { type: 'splitRegion', keys: [], version: 3 });
  deepEqual((await exchange(client, region({ end: 'm', version: 3 }))).splitRegion, { keys: [] });
  equal((await exchange(client, region({ end: 'f', version: 4 }))).splitRegion, undefined);
}

function splitKeys({ splitRegion }: schedulerpb.RegionHeartbeatResponse): string[] | undefined {
  return splitRegion?.keys.map((bytes) => new TextDecoder().decode(bytes));
}

async function takesFigures(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const flow = { bytesWritten: 1, keysWritten: 2, bytesRead: 3, keysRead: 4, intervalMs: 5 };
  const two = region({ confVer: 2, peers: [first, second] });
  const down = { peer: second, downSeconds: 9 };
  const fields = { downPeers: [down], approximateKeys: 7, approximateSize: 8, flow, term: 6 };
  equal((await exchange(client, two, fields)).regionId, 100);
  // A report of an earlier term is from a leader that has been voted out.
  client.regionHeartbeat(heartbeat(two, { leader: second, term: 5 }));
  await exchange(client, two, { ...fields, term: 6 });
  deepEqual((await client.getRegionById(100))?.leader, first);
}
