import { deepEqual, equal } from 'node:assert/strict';
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
} from './compliance-fixture.ts';
import type { SchedulerClient } from './scheduler-client.ts';

/** What every implementation does with reports of splits. */
export const splitReportCompliance: readonly ComplianceCase[] = [
  { name: 'takes all parts of a split at once, and keeps the leader of the one that kept its id', run: takesParts },
  { name: 'takes the heartbeats of both halves before and after a split report', run: takesHeartbeatsAround },
  { name: 'takes the part of a split report that nothing has overtaken', run: takesWhatIsCurrent },
  { name: 'refuses a split report that is overtaken', run: refusesOvertaken },
  { name: 'takes a repeated split report', run: takesRepeated },
  { name: 'refuses parts that are not those of one split', run: refusesMalformed },
];

const left = region({ end: 'm', version: 2 });
const right = region({ id: 200, start: 'm', version: 2, peers: [peer(201, 1)] });

async function shape(client: SchedulerClient): Promise<[number, string, string][]> {
  const found = await client.scanRegions(noKey, noKey, 10);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return found.map(({ region: { id, startKey, endKey } }) => [id, text(startKey), text(endKey)]);
}

async function takesParts(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, region());
  const parts = [
    region({ id: 300, end: 'f', version: 3, peers: [peer(301, 1)] }),
    region({ start: 'f', end: 'm', version: 3 }),
    region({ id: 200, start: 'm', version: 3, peers: [peer(201, 1)] }),
  ];
  await client.reportSplit(parts);
  deepEqual(await shape(client), [
    [300, '', 'f'],
    [100, 'f', 'm'],
    [200, 'm', ''],
  ]);
  deepEqual((await client.getRegionById(100))?.leader, peer(101, 1));
  equal((await client.getRegionById(200))?.leader, undefined);
  deepEqual((await client.getRegion(key('z')))?.region.peers, [peer(201, 1)]);
}

async function takesHeartbeatsAround(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, right);
  await client.reportSplit([left, right]);
  deepEqual((await client.getRegionById(200))?.leader, peer(201, 1));
  const halves = [
    [100, '', 'm'],
    [200, 'm', ''],
  ];
  deepEqual(await shape(client), halves);
  await exchange(client, right);
  await exchange(client, left);
  deepEqual(await shape(client), halves);
  deepEqual((await client.getRegionById(100))?.leader, peer(101, 1));
}

async function takesWhatIsCurrent(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, region({ id: 200, start: 'm', end: 't', version: 3, peers: [peer(201, 1)] }));
  await client.reportSplit([left, right]);
  deepEqual(await shape(client), [
    [100, '', 'm'],
    [200, 'm', 't'],
  ]);
}

async function refusesOvertaken(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await exchange(client, region({ end: 'f', version: 3 }));
  await exchange(client, region({ id: 300, start: 'f', end: 'm', version: 3, peers: [peer(301, 1)] }));
  await exchange(client, region({ id: 200, start: 'm', end: 't', version: 3, peers: [peer(201, 1)] }));
  await rejectsWith(client.reportSplit([left, right]), 'regionNotFound');
  deepEqual(ids(await client.scanRegions(noKey, noKey, 10)), [100, 300, 200]);
}

async function takesRepeated(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  await client.reportSplit([left, right]);
  await exchange(client, right, { pendingPeers: [] });
  await client.reportSplit([left, right]);
  deepEqual((await client.getRegionById(200))?.leader, peer(201, 1));
  client.regionHeartbeat(heartbeat(region()));
  await exchange(client, left);
  deepEqual(ids(await client.scanRegions(noKey, noKey, 10)), [100, 200]);
}

async function refusesMalformed(harness: ComplianceHarness): Promise<void> {
  const client = await bootstrapped(harness);
  const gap = region({ id: 200, start: 'n', version: 2, peers: [peer(201, 1)] });
  await rejectsWith(client.reportSplit([left, gap]), 'invalidArgument');
  await rejectsWith(client.reportSplit([right, left]), 'invalidArgument');
  await rejectsWith(client.reportSplit([left, { ...right, id: 100 }]), 'invalidArgument');
  await rejectsWith(client.reportSplit([left, { ...right, id: 0 }]), 'invalidArgument');
  await rejectsWith(client.reportSplit([left, { ...right, regionEpoch: undefined }]), 'invalidArgument');
  deepEqual(await shape(client), [[100, '', '']]);
}
