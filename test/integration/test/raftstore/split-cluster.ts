import { flotillapb, type metapb } from '@flotilla/protocol';
import type { CommandResult, RaftStoreHandle } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import { compareKeys } from '@flotilla/scheduler-client';
import { errorOf, getCommand, headerOf, putCommand, type TestCluster, type TestNode } from '@flotilla/test-harness';

/** One peer that leads, as its store sees it. */
export interface LedRegion {
  readonly node: TestNode;
  readonly region: metapb.Region;
  readonly term: number;
}

/** The regions of a running node that know their range, in key order. */
export function regionsOn(node: TestNode): metapb.Region[] {
  return (node.store?.status() ?? [])
    .flatMap(({ region }) => (region === undefined || region.peers.length === 0 ? [] : [region]))
    .sort((left, right) => compareKeys(left.startKey, right.startKey));
}

/** Regions by start key and version, such as `['-3', 'm-3']`. */
export function outline(regions: readonly metapb.Region[]): string[] {
  return regions.map(({ startKey, regionEpoch }) => `${Buffer.from(startKey).toString()}-${regionEpoch?.version}`);
}

/** Whether the regions hold every key once. */
export function isTiling(regions: readonly metapb.Region[]): boolean {
  return regions.every((region, position) => {
    const start = regions[position - 1]?.endKey ?? new Uint8Array(0);
    const isLast = position === regions.length - 1;
    return compareKeys(region.startKey, start) === 0 && isLast === (region.endKey.length === 0);
  });
}

/** The peer that leads the region of a key in the latest epoch and term, if any does. */
export function leaderOfKey(cluster: TestCluster, key: string): LedRegion | undefined {
  const wanted = Buffer.from(key);
  const found: LedRegion[] = [];
  for (const node of cluster.nodes) {
    for (const { region, role, term } of node.store?.status() ?? []) {
      if (role !== flotillapb.RaftRole.Leader || region === undefined || region.peers.length === 0) continue;
      const isInside = compareKeys(region.startKey, wanted) <= 0;
      if (isInside && (region.endKey.length === 0 || compareKeys(wanted, region.endKey) < 0)) {
        found.push({ node, region, term });
      }
    }
  }
  const version = ({ region }: LedRegion): number => region.regionEpoch?.version ?? 0;
  return found.sort((left, right) => version(right) - version(left) || right.term - left.term)[0];
}

/** Runs a command on the leader of a key, again until it succeeds. */
export async function runOnKey(
  cluster: TestCluster,
  key: string,
  command: (led: LedRegion) => Promise<CommandResult>,
): Promise<CommandResult> {
  let last: unknown;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const led = leaderOfKey(cluster, key);
    if (led?.node.store !== undefined) {
      let result: CommandResult | undefined;
      void command(led).then((value) => {
        result = value;
      });
      await cluster.world.runUntil(() => result !== undefined, 2_000);
      if (result !== undefined && errorOf(result) === undefined) return result;
      last = result === undefined ? 'no answer' : errorOf(result);
    }
    await cluster.world.advance(50);
  }
  throw new Error(`the command on ${key} never succeeded: ${JSON.stringify(last)}`);
}

/** Puts through the leader of the key's region. */
export async function putKey(cluster: TestCluster, key: string, value: string): Promise<void> {
  await runOnKey(cluster, key, ({ node, region }) => node.store!.execute(putCommand(headerOf(region), key, value)));
}

/** Reads through the leader of the key's region. */
export async function getKey(cluster: TestCluster, key: string): Promise<string | undefined> {
  const { response } = await runOnKey(cluster, key, ({ node, region }) =>
    node.store!.execute(getCommand(headerOf(region), key)),
  );
  const value = response.responses[0]?.get?.value;
  return value === undefined ? undefined : Buffer.from(value).toString();
}

/** Splits the region of the first key at the keys; the parts as the leader answered them. */
export async function splitAt(cluster: TestCluster, ...keys: readonly string[]): Promise<readonly metapb.Region[]> {
  const first = keys[0];
  assert(first !== undefined, 'a split needs a key');
  const splitKeys = keys.map((key) => Buffer.from(key));
  const { response } = await runOnKey(cluster, first, ({ node, region }) =>
    node.store!.splitRegion({ regionId: region.id, splitKeys }),
  );
  return response.adminResponse?.split?.regions ?? [];
}

/** Waits until every running node has the same regions, tiling the key space. */
export async function awaitRegions(cluster: TestCluster, count: number): Promise<readonly metapb.Region[]> {
  const running = (): TestNode[] => cluster.nodes.filter((node) => node.store !== undefined);
  await cluster.until(`${count} regions on every node`, () =>
    running().every((node) => {
      const regions = regionsOn(node);
      return regions.length === count && isTiling(regions);
    }),
  );
  const [first] = running();
  assert(first !== undefined, 'a node runs');
  return regionsOn(first);
}

/** Holds back the snapshots of some regions on their way into a node, each when all of it has arrived. */
export class HeldSnapshots {
  readonly #held = new Map<number, (() => void)[]>();
  readonly #open = new Set<number>();

  constructor(cluster: TestCluster, node: TestNode) {
    const store = node.store!;
    const handle: Pick<RaftStoreHandle, 'storeId' | 'deliver' | 'receiveSnapshot'> = {
      storeId: store.storeId,
      deliver: (message) => store.deliver(message),
      receiveSnapshot: async (message) => {
        const receiver = await store.receiveSnapshot(message);
        return {
          write: (chunk) => receiver.write(chunk),
          abort: () => receiver.abort(),
          finish: async () => {
            await this.#hold(message.regionId);
            await receiver.finish();
          },
        };
      },
    };
    cluster.network.attach(handle as RaftStoreHandle);
  }

  /** Snapshots of a region that wait. */
  count(regionId: number): number {
    return this.#held.get(regionId)?.length ?? 0;
  }

  /** Lets a region's snapshots in, those that wait and those to come. */
  release(regionId: number): void {
    this.#open.add(regionId);
    for (const go of this.#held.get(regionId) ?? []) go();
    this.#held.delete(regionId);
  }

  #hold(regionId: number): Promise<void> {
    if (this.#open.has(regionId)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#held.set(regionId, [...(this.#held.get(regionId) ?? []), resolve]);
    });
  }
}
