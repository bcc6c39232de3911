import { assert } from '@flotilla/runtime';
import {
  awaitEqualReplicas,
  ClusterObserver,
  describeVerdict,
  isPassed,
  TestCluster,
  type TestClusterOptions,
} from '@flotilla/test-harness';
import { expectShortLogs, hibernation, ready, type Scenario, shortLogs } from './scenario.ts';

const syncMs = { min: 0.2, max: 3 };

/** The rows of the matrix that are stories of their own. */
export const singleScenarios: readonly Scenario[] = [
  {
    name: 'one-partition',
    about: 'a minority commits nothing, and follows once it is healed',
    play: (seed) => withCluster(5, { seed }, onePartition),
  },
  {
    name: 'one-snapshot',
    about: 'a deletion survives a snapshot and a restart',
    play: (seed) => withCluster(3, { seed, config: shortLogs(10) }, oneSnapshot),
  },
  {
    name: 'transfer-leader',
    about: 'leadership goes where it is ordered',
    play: (seed) => withCluster(5, { seed }, transferLeader),
  },
  {
    name: 'basic-conf-change',
    about: 'replicas come, catch up, go, and come again',
    play: (seed) => withCluster(5, { seed }, basicConfChange),
  },
  {
    name: 'remove-leader',
    about: 'the leader of five is removed, five times',
    play: (seed) => withCluster(5, { seed }, removeLeader),
  },
  {
    name: 'remove-leader-of-two',
    about: 'the leader of two is removed, by a network that loses messages too',
    play: (seed) => withCluster(2, { seed }, removeLeaderOfTwo),
  },
  {
    name: 'one-split',
    about: 'a store that was cut off during a split follows',
    play: (seed) => withCluster(5, { seed, config: { regionMaxBytes: 1_500, regionSplitBytes: 1_000 } }, oneSplit),
  },
];

/** Runs a story on a cluster, and checks at the end what holds always. */
async function withCluster(
  stores: number,
  options: TestClusterOptions,
  story: (cluster: TestCluster) => Promise<void>,
): Promise<void> {
  const config = { ...hibernation(options.seed ?? 1), ...options.config };
  const cluster = await TestCluster.start(stores, { syncMs, ...options, config });
  const observer = new ClusterObserver(cluster);
  await ready(cluster);
  await story(cluster);
  for (const verdict of [await awaitEqualReplicas(cluster, 30_000), ...(await observer.finalVerdicts())]) {
    if (!isPassed(verdict)) throw new Error(describeVerdict(verdict));
  }
  observer.stop();
  await cluster.close();
}

async function onePartition(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a', { retryUnknownWrites: true, attemptTimeoutMs: 500 });
  const leader = await cluster.awaitLeader();
  const others = cluster.nodes.filter((node) => node !== leader);
  await cluster.run(client.put('k1', 'v1'));
  const minority = [leader, others[0]!];
  const majority = others.slice(1);
  const cut = (): void =>
    cluster.network.partition([minority.map(({ storeId }) => storeId), majority.map(({ storeId }) => storeId)]);
  // The leader is among the few: the others go on without it.
  cut();
  await cluster.awaitLeader(leader);
  await cluster.run(client.put('k1', 'changed'));
  for (const node of minority) assert(cluster.valueOn(node, 'k1') === 'v1', 'the minority committed something');
  assert((await cluster.run(client.get('k1'))) === 'changed', 'the majority holds the change');
  cluster.network.heal();
  for (const node of cluster.nodes) {
    await cluster.until(`${node.name} follows`, () => cluster.valueOn(node, 'k1') === 'changed');
  }
  // The leader is among the many: those cut off see nothing of it, and follow again.
  const second = await cluster.awaitLeader();
  const few = cluster.nodes.filter((node) => node !== second).slice(0, 2);
  const many = cluster.nodes.filter((node) => !few.includes(node));
  cluster.network.partition([few.map(({ storeId }) => storeId), many.map(({ storeId }) => storeId)]);
  await cluster.run(client.put('k1', 'again'));
  await cluster.run(client.delete('k2'));
  for (const node of few) assert(cluster.valueOn(node, 'k1') === 'changed', 'the minority heard of a commit');
  cluster.network.heal();
  assert((await cluster.run(client.get('k1'))) === 'again', 'nothing is lost by the healing');
}

async function oneSnapshot(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  await cluster.run(client.put('k1', 'v1'));
  await cluster.run(client.put('k2', 'v2'));
  const leader = await cluster.awaitLeader();
  const laggard = cluster.nodes.find((node) => node !== leader)!;
  await cluster.until('the laggard has k2', () => cluster.valueOn(laggard, 'k2') === 'v2');
  cluster.network.partition([cluster.nodes.filter((node) => node !== laggard).map(({ storeId }) => storeId)]);
  for (let number = 100; number < 130; number += 1) await cluster.run(client.put(String(number), String(number)));
  await cluster.run(client.delete('k2'));
  await cluster.sleep(500);
  for (const node of cluster.nodes) {
    if (node === laggard) continue;
    const first = cluster.statusOf(node)?.firstIndex ?? 0;
    assert(first > (cluster.statusOf(laggard)?.lastIndex ?? 0) + 1, 'the log is cut behind the laggard', { first });
  }
  const applied = laggard.store?.metrics().snapshotsApplied ?? 0;
  cluster.network.heal();
  await cluster.until('the laggard has caught up', () => cluster.valueOn(laggard, '129') === '129');
  await cluster.until('it is by a snapshot', () => (laggard.store?.metrics().snapshotsApplied ?? 0) > applied);
  assert(cluster.valueOn(laggard, 'k2') === undefined, 'the deletion is in the snapshot');
  cluster.crash(laggard);
  await cluster.restart(laggard);
  assert(cluster.valueOn(laggard, 'k2') === undefined, 'the deletion outlives a restart');
  assert(cluster.valueOn(laggard, 'k1') === 'v1', 'what was not deleted is there');
  await cluster.run(client.put('after', '1'));
  await cluster.until('the laggard follows', () => cluster.valueOn(laggard, 'after') === '1');
  await cluster.sleep(1_000);
  expectShortLogs(cluster, 10);
}

async function transferLeader(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  const { id } = cluster.region;
  for (const node of [...cluster.nodes, ...cluster.nodes]) {
    await cluster.orders.transferLeader(id, node);
    assert(cluster.scheduler.mustLeader(id).storeId === node.storeId, 'the node leads', { node: node.name });
    await cluster.run(client.put('led by', node.name));
    assert((await cluster.run(client.get('led by'))) === node.name, 'the new leader serves');
  }
}

async function basicConfChange(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  const { id } = cluster.region;
  const [first, second, third] = cluster.nodes as [
    (typeof cluster.nodes)[number],
    (typeof cluster.nodes)[number],
    (typeof cluster.nodes)[number],
  ];
  const holds = (node: typeof first, key: string, value: string | undefined): Promise<void> =>
    cluster.until(`${node.name} has ${key}=${value}`, () => cluster.valueOn(node, key) === value);
  for (const node of cluster.nodes.slice(1)) await cluster.orders.removePeer(id, node);
  await cluster.run(client.put('k1', 'v1'));
  for (const node of cluster.nodes.slice(1)) await holds(node, 'k1', undefined);
  await cluster.orders.addPeer(id, second);
  await holds(second, 'k1', 'v1');
  const epoch = cluster.region.regionEpoch?.confVer ?? 0;
  const peerOnThird = await cluster.orders.addPeer(id, third);
  assert(cluster.region.regionEpoch?.confVer === epoch + 1, 'one change is one conf_ver');
  await holds(third, 'k1', 'v1');
  await cluster.run(client.put('k2', 'v2'));
  for (const node of [first, second, third]) await holds(node, 'k2', 'v2');
  await cluster.orders.removePeer(id, second);
  await cluster.run(client.put('k3', 'v3'));
  await holds(third, 'k3', 'v3');
  await holds(second, 'k1', undefined);
  await cluster.orders.addPeer(id, second);
  await holds(second, 'k3', 'v3');
  await cluster.orders.removePeer(id, third);
  const again = await cluster.orders.addPeer(id, third);
  assert(again.id > peerOnThird.id, 'a peer that comes again has a larger id');
  await holds(third, 'k2', 'v2');
}

async function removeLeader(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  const { id } = cluster.region;
  for (let round = 0; round < 5; round += 1) {
    await cluster.run(client.put('round', String(round)));
    const leader = await cluster.awaitLeader();
    await cluster.orders.removePeer(id, leader);
    assert((await cluster.run(client.get('round'))) === String(round), 'nothing is lost with the leader');
    await cluster.until('the removed peer is gone', () => cluster.statusOf(leader) === undefined);
    await cluster.orders.addPeer(id, leader);
  }
}

async function removeLeaderOfTwo(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  const { id } = cluster.region;
  for (let round = 0; round < 6; round += 1) {
    if (round >= 2) cluster.network.faults = { drop: 0.1, duplicate: 0, minDelayMs: 1, maxDelayMs: 20 };
    await cluster.run(client.put('round', String(round)));
    const leader = await cluster.awaitLeader();
    await cluster.orders.removePeer(id, leader);
    assert((await cluster.run(client.get('round'))) === String(round), 'nothing is lost with the leader');
    await cluster.until('the removed peer is gone', () => cluster.statusOf(leader) === undefined, 120_000);
    await cluster.orders.addPeer(id, leader);
  }
  cluster.network.faults = { drop: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 };
}

async function oneSplit(cluster: TestCluster): Promise<void> {
  const client = cluster.createClient('a');
  const leader = await cluster.awaitLeader();
  const alone = cluster.nodes.find((node) => node !== leader)!;
  const keys = Array.from({ length: 100 }, (_, number) => `k${String(number).padStart(3, '0')}`);
  cluster.network.partition([cluster.nodes.filter((node) => node !== alone).map(({ storeId }) => storeId)]);
  for (const key of keys) await cluster.run(client.put(key, `value of ${key}`));
  await cluster.until('the first region has an end', () => cluster.region.endKey.length > 0);
  const left = cluster.scheduler.mustRegion(Buffer.from('k000'));
  const right = cluster.scheduler.mustRegion(Buffer.from('k099'));
  assert(left.id !== right.id, 'the keys are in two regions');
  assert(cluster.statusOf(alone, right.id) === undefined, 'the store that is cut off knows nothing of the new region');
  cluster.network.heal();
  for (const key of keys) {
    await cluster.until(`${alone.name} has ${key}`, () => cluster.valueOn(alone, key) === `value of ${key}`);
  }
  await cluster.orders.transferLeader(right.id, alone);
  assert((await cluster.run(client.get('k099'))) === 'value of k099', 'it serves the new region');
}
