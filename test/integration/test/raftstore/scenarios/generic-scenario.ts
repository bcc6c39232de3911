import type { RaftStoreConfig } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import {
  awaitEqualReplicas,
  ClusterObserver,
  calmNetwork,
  cancelOrders,
  changeMembers,
  crashAll,
  crashStores,
  describeVerdict,
  disturbNetwork,
  isPassed,
  startAll,
  TestCluster,
  type Verdict,
} from '@flotilla/test-harness';
import {
  electionMs,
  expectShortLogs,
  hibernation,
  ready,
  type Scenario,
  type ScenarioScale,
  shortLogs,
} from './scenario.ts';
import { ScenarioClient } from './scenario-client.ts';

/** Entries that a log is kept at in the rows with an L. */
const logLimit = 100;

/** What a row's letters say. */
interface Conditions {
  readonly clients: number;
  readonly isUnreliable: boolean;
  readonly hasCrashes: boolean;
  readonly isPartitioned: boolean;
  readonly hasShortLogs: boolean;
  readonly changesMembers: boolean;
  readonly splits: boolean;
}

/**
 * A row of the generic matrix by its name: the number of clients, then letters. U: the network loses, doubles and reorders
 * messages. C: stores crash, one by one meanwhile and all at once after each round. P: partitions. L: logs are kept at 100
 * entries. M: replicas come and go. S: regions are small and split.
 */
export function genericScenario(name: string): Scenario {
  const match = /^(\d+)([UCPLMS]*)$/.exec(name);
  assert(match !== null, 'a row is a number and letters', { name });
  const [, clients, letters = ''] = match;
  const has = (letter: string): boolean => letters.includes(letter);
  const conditions: Conditions = {
    clients: Number(clients),
    isUnreliable: has('U'),
    hasCrashes: has('C'),
    isPartitioned: has('P'),
    hasShortLogs: has('L'),
    changesMembers: has('M'),
    splits: has('S'),
  };
  return { name, about: describe(conditions), play: (seed, scale) => play(conditions, seed, scale) };
}

async function play(conditions: Conditions, seed: number, scale: ScenarioScale): Promise<void> {
  const splitConfig = conditions.clients > 5 ? splitAt(3_000) : splitAt(600);
  const cluster = await TestCluster.start(5, {
    seed,
    syncMs: { min: 0.2, max: 3 },
    config: {
      ...hibernation(seed),
      ...(conditions.hasShortLogs ? shortLogs(logLimit) : {}),
      ...(conditions.splits ? splitConfig : {}),
    },
  });
  const observer = new ClusterObserver(cluster);
  await ready(cluster);
  for (let round = 0; round < scale.rounds; round += 1) await playRound(cluster, conditions, round, scale.roundMs);
  if (conditions.splits) assert(cluster.region.endKey.length > 0, 'the first region has an end');
  expectPassed(await awaitEqualReplicas(cluster, 30_000), ...(await observer.finalVerdicts()));
  observer.stop();
  await cluster.close();
}

async function playRound(cluster: TestCluster, conditions: Conditions, round: number, roundMs: number): Promise<void> {
  const random = cluster.world.random.fork(`round ${round}`);
  let isOver = false;
  const over = (): boolean => isOver;
  let isDone = false;
  const clients = Array.from({ length: conditions.clients }, (_, number) => new ScenarioClient(cluster, number, round));
  const working = Promise.all(clients.map((client) => client.work(conditions.clients > 5 ? 80 : 15, () => isDone)));
  const chaos: Promise<void>[] = [];
  const { isUnreliable, isPartitioned } = conditions;
  await cluster.sleep(300);
  if (isUnreliable || isPartitioned) {
    chaos.push(disturbNetwork(cluster, random.fork('network'), { isUnreliable, isPartitioned, electionMs }, over));
  }
  if (conditions.changesMembers) chaos.push(changeMembers(cluster, random.fork('members'), over));
  if (conditions.hasCrashes) chaos.push(crashStores(cluster, random.fork('crashes'), 600, over));
  await cluster.run(Promise.race([working, cluster.clock.timers.sleep(roundMs)]));
  isOver = true;
  await cluster.run(Promise.all(chaos));
  calmNetwork(cluster);
  await startAll(cluster);
  cancelOrders(cluster);
  if (conditions.splits) await cluster.poll('a split', () => cluster.region.endKey.length > 0);
  isDone = true;
  await cluster.run(working, 300_000);
  if (conditions.hasCrashes) await crashAll(cluster);
  await cluster.run(Promise.all(clients.map((client) => client.verify())), 300_000);
  const puts = clients.reduce((sum, client) => sum + client.count, 0);
  assert(puts >= conditions.clients, 'the clients got hardly anything done', { puts });
  if (conditions.hasShortLogs) {
    await cluster.sleep(1_000);
    expectShortLogs(cluster, logLimit);
  }
}

function splitAt(bytes: number): Partial<RaftStoreConfig> {
  return { regionMaxBytes: bytes, regionSplitBytes: (bytes * 2) / 3 };
}

function expectPassed(...verdicts: readonly Verdict[]): void {
  const bad = verdicts.find((verdict) => !isPassed(verdict));
  if (bad !== undefined) throw new Error(describeVerdict(bad));
}

function describe(conditions: Conditions): string {
  const parts = [`${conditions.clients} client${conditions.clients === 1 ? '' : 's'}`];
  if (conditions.isUnreliable) parts.push('unreliable network');
  if (conditions.hasCrashes) parts.push('crashes');
  if (conditions.isPartitioned) parts.push('partitions');
  if (conditions.hasShortLogs) parts.push('short logs');
  if (conditions.changesMembers) parts.push('changing members');
  if (conditions.splits) parts.push('splits');
  return parts.join(', ');
}
