import type { RaftStoreConfig } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import type { TestCluster } from '@flotilla/test-harness';

/** How long a scenario runs its clients. */
export interface ScenarioScale {
  readonly rounds: number;
  readonly roundMs: number;
}

/** Three rounds of five seconds, as in the matrix; for `npm test` one short round. */
export const scales = {
  full: { rounds: 3, roundMs: 5_000 },
  quick: { rounds: 1, roundMs: 2_000 },
} as const satisfies Record<string, ScenarioScale>;

/** One row of the matrix. */
export interface Scenario {
  readonly name: string;
  /** What it shows, in a few words. */
  readonly about: string;
  /** Plays the row; rejects with the first thing that is wrong. */
  play(seed: number, scale: ScenarioScale): Promise<void>;
}

/** How long an election may take to begin, by the intervals of the tests. */
export const electionMs = 500;

/** Waits until the cluster's first region has an initialised peer on every store and a leader. */
export async function ready(cluster: TestCluster): Promise<void> {
  await cluster.awaitLeader();
  await cluster.sleep(electionMs);
}

/** Complains unless the two are equal. */
export function expectSame(what: string, found: string, wanted: string): void {
  if (found === wanted) return;
  let at = 0;
  while (found[at] === wanted[at]) at += 1;
  const around = (text: string): string => text.slice(Math.max(0, at - 20), at + 40);
  throw new Error(`${what}: differs at ${at}: found …${around(found)}… wanted …${around(wanted)}…`);
}

/** Every store's log of every region may hold twice the limit, and no more. */
export function expectShortLogs(cluster: TestCluster, limit: number): void {
  for (const node of cluster.nodes) {
    for (const { region, appliedIndex, firstIndex } of node.store?.status() ?? []) {
      const kept = appliedIndex - (firstIndex - 1);
      assert(kept <= 2 * limit, 'the log is not kept short', { node: node.name, regionId: region?.id, kept, limit });
    }
  }
}

/** Every second seed has regions hibernate between two uses. */
export function hibernation(seed: number): Partial<RaftStoreConfig> {
  return { hibernateAfterMs: seed % 2 === 0 ? 300 : 0 };
}

/** Logs of at most `limit` entries for a slow follower. */
export function shortLogs(limit: number): Partial<RaftStoreConfig> {
  return { logGcThreshold: Math.ceil(limit / 2), logGcMaxEntries: limit, snapshotGcIntervalMs: 2_000 };
}
