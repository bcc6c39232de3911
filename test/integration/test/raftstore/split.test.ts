import { flotillapb } from '@flotilla/protocol';
import { errorOf, getCommand, headerOf, putCommand, snapCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';
import { awaitRegions, getKey, isTiling, leaderOfKey, outline, putKey, regionsOn, splitAt } from './split-cluster.ts';

const { RaftRole } = flotillapb;

describe('a split at a key', () => {
  it('leaves the region the left part and begins a new region to the right, on every replica', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'a', '1');
    await putKey(cluster, 'z', '2');
    const before = cluster.region;
    const parts = await splitAt(cluster, 'm');
    expect(outline(parts)).toEqual(['-2', 'm-2']);
    expect(parts[0]?.id).toBe(before.id);
    expect(parts[1]?.peers.map(({ storeId }) => storeId)).toEqual(before.peers.map(({ storeId }) => storeId));
    expect(new Set([...before.peers, ...(parts[1]?.peers ?? [])].map(({ id }) => id)).size).toBe(6);
    await awaitRegions(cluster, 2);
    for (const node of cluster.nodes) expect(regionsOn(node)).toEqual(parts);
    expect(await getKey(cluster, 'a')).toBe('1');
    expect(await getKey(cluster, 'z')).toBe('2');
    await putKey(cluster, 'b', '3');
    await putKey(cluster, 'y', '4');
    expect(await getKey(cluster, 'y')).toBe('4');
    await cluster.close();
  });

  it('has the new region led at once, without an election timeout', async () => {
    const cluster = await TestCluster.start(3);
    await putKey(cluster, 'z', '1');
    await splitAt(cluster, 'm');
    const at = cluster.world.nowMs;
    await cluster.until(
      'the new region is led',
      () => Buffer.from(leaderOfKey(cluster, 'z')?.region.startKey ?? []).toString() === 'm',
    );
    // Ten ticks of 50 ms are the shortest election timeout.
    expect(cluster.world.nowMs - at).toBeLessThan(500);
    await cluster.close();
  });

  it('tells the scheduler of both halves', async () => {
    const cluster = await TestCluster.start(3);
    await splitAt(cluster, 'm');
    await cluster.until('both are known', () => cluster.scheduler.regions().length === 2);
    const known = cluster.scheduler.regions().map(({ region }) => region);
    expect(outline(known)).toEqual(['-2', 'm-2']);
    await cluster.close();
  });

  it('makes many regions of one at once', async () => {
    const cluster = await TestCluster.start(3);
    const parts = await splitAt(cluster, 'c', 'f', 'k', 'p');
    expect(outline(parts)).toEqual(['-5', 'c-5', 'f-5', 'k-5', 'p-5']);
    await awaitRegions(cluster, 5);
    for (const key of ['a', 'c', 'g', 'o', 'z']) await putKey(cluster, key, key);
    for (const key of ['a', 'c', 'g', 'o', 'z']) expect(await getKey(cluster, key)).toBe(key);
    await cluster.close();
  });

  it('is refused at keys that do not part the region, and changes nothing', async () => {
    const cluster = await TestCluster.start(1);
    await splitAt(cluster, 'm');
    await awaitRegions(cluster, 2);
    const node = cluster.nodes[0]!;
    const [, right] = regionsOn(node);
    await cluster.until('the new region is led', () => leaderOfKey(cluster, 'z') !== undefined);
    const split = (...keys: readonly string[]) =>
      cluster.run(node.store!.splitRegion({ regionId: right!.id, splitKeys: keys.map((key) => Buffer.from(key)) }));
    expect(errorOf(await split('m'))?.invalidRequest?.field).toBe('splitKeys[0]');
    expect(errorOf(await split('q', 'p'))?.invalidRequest?.field).toBe('splitKeys[1]');
    expect(errorOf(await split('p', 'p'))?.invalidRequest?.field).toBe('splitKeys[1]');
    expect(errorOf(await split('a'))?.keyNotInRegion?.regionId).toBe(right!.id);
    const unknown = await cluster.run(node.store!.splitRegion({ regionId: 99, splitKeys: [Buffer.from('x')] }));
    expect(errorOf(unknown)?.regionNotFound?.regionId).toBe(99);
    const regionEpoch = { confVer: 1, version: 1 };
    const stale = await cluster.run(node.store!.splitRegion({ regionId: right!.id, regionEpoch, splitKeys: [] }));
    expect(errorOf(stale)?.epochNotMatch?.currentRegions.map(({ id }) => id)).toEqual([right!.id]);
    expect(outline(regionsOn(node))).toEqual(['-2', 'm-2']);
    await cluster.close();
  });
});

describe('a split in the middle', () => {
  it('halves what the region holds', async () => {
    const cluster = await TestCluster.start(3);
    for (let number = 10; number < 30; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(100));
    const led = leaderOfKey(cluster, 'k10')!;
    const result = await cluster.run(led.node.store!.splitRegion({ regionId: led.region.id, splitKeys: [] }));
    expect(errorOf(result)).toBeUndefined();
    expect(outline(await awaitRegions(cluster, 2))).toEqual(['-2', 'k20-2']);
    await cluster.close();
  });

  it('finds no middle in a region of one key', async () => {
    const cluster = await TestCluster.start(1);
    await putKey(cluster, 'k', 'x');
    const node = cluster.nodes[0]!;
    const result = await cluster.run(node.store!.splitRegion({ regionId: cluster.region.id, splitKeys: [] }));
    expect(errorOf(result)?.invalidRequest?.field).toBe('splitKeys');
    await cluster.close();
  });
});

describe('a region that grows', () => {
  it('is split into parts of the wanted size, again and again, while it is written to', async () => {
    const config = { regionMaxBytes: 3_000, regionSplitBytes: 2_000 };
    const cluster = await TestCluster.start(3, { config });
    for (let number = 100; number < 220; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(200));
    // 120 pairs of about 212 bytes make at least eight regions below the limit.
    await cluster.until('the regions are small', () => {
      const sizes = cluster.nodes.flatMap((node) =>
        (node.store?.status() ?? []).flatMap(({ role, approximateSize }) =>
          role === RaftRole.Leader ? [approximateSize] : [],
        ),
      );
      return sizes.length >= 8 && sizes.every((size) => size > 0 && size <= 3_000);
    });
    await cluster.world.advance(2_000);
    for (const node of cluster.nodes) {
      const regions = regionsOn(node);
      expect(regions.length).toBeGreaterThanOrEqual(8);
      expect(isTiling(regions)).toBe(true);
    }
    for (let number = 100; number < 220; number += 1) expect(await getKey(cluster, `k${number}`)).toBe('x'.repeat(200));
    await cluster.close();
  });

  it('is split into many parts at once when it is far too large', async () => {
    const cluster = await TestCluster.start(1, { config: { regionMaxBytes: 3_000, regionSplitBytes: 2_000 } });
    const node = cluster.nodes[0]!;
    await cluster.awaitLeader();
    const command = putCommand(headerOf(cluster.region), 'k100', 'x'.repeat(200));
    const requests = Array.from({ length: 60 }, (_, number) => {
      const key = Buffer.from(`k${100 + number}`);
      return { ...command.requests[0]!, put: { cf: 'default', key, value: Buffer.alloc(200) } };
    });
    await cluster.execute(node, { ...command, requests });
    await cluster.until('the region was split', () => regionsOn(node).length > 1);
    expect(node.store!.metrics().splits).toBe(1);
    // 60 pairs of 212 bytes, nine to a part, and the last part takes what does not make it too large.
    expect(outline(regionsOn(node))).toEqual(['-7', 'k109-7', 'k118-7', 'k127-7', 'k136-7', 'k145-7', 'k154-7']);
    await cluster.close();
  });

  it('is measured and split by its leader alone, whatever its end', async () => {
    const cluster = await TestCluster.start(3, { config: { regionMaxBytes: 3_000, regionSplitBytes: 2_000 } });
    await splitAt(cluster, 'a');
    for (let number = 100; number < 130; number += 1) await putKey(cluster, `k${number}`, 'x'.repeat(200));
    await cluster.until('the last region was split', () => regionsOn(cluster.nodes[0]!).length > 3);
    expect(cluster.nodes.reduce((sum, { store }) => sum + (store?.metrics().splits ?? 0), 0)).toBeLessThanOrEqual(
      regionsOn(cluster.nodes[0]!).length - 1,
    );
    await cluster.close();
  });
});

describe('after a split', () => {
  it('answers a stale epoch with all parts, for writes, reads and snapshots', async () => {
    const cluster = await TestCluster.start(3);
    const before = cluster.region;
    await splitAt(cluster, 'g', 'm', 't');
    await awaitRegions(cluster, 4);
    const { node } = leaderOfKey(cluster, 'a')!;
    const header = headerOf(before);
    for (const command of [putCommand(header, 'z', '1'), getCommand(header, 'a'), snapCommand(header)]) {
      const error = errorOf(await cluster.execute(node, command));
      expect(outline(error?.epochNotMatch?.currentRegions ?? [])).toEqual(['-4', 'g-4', 'm-4', 't-4']);
    }
    const current = regionsOn(node)[0]!;
    const outside = errorOf(await cluster.execute(node, putCommand(headerOf(current), 'z', '1')));
    expect(outside?.keyNotInRegion?.regionId).toBe(current.id);
    await cluster.close();
  });

  it('a snapshot read shows the part alone', async () => {
    const cluster = await TestCluster.start(1);
    for (const key of ['a', 'b', 'x', 'y']) await putKey(cluster, key, key);
    await splitAt(cluster, 'm');
    const node = cluster.nodes[0]!;
    await awaitRegions(cluster, 2);
    const [left, right] = regionsOn(node);
    expect(await getKey(cluster, 'x')).toBe('x');
    const { snapshot } = await cluster.execute(node, snapCommand(headerOf(right!)));
    const pairs = await snapshot!.scan('default', Buffer.from('m'), 10, 1_000);
    expect(pairs.map(({ key }) => Buffer.from(key).toString())).toEqual(['x', 'y']);
    await expect(snapshot!.get('default', Buffer.from('a'))).rejects.toThrow('outside region');
    await snapshot!.close();
    expect(left!.endKey).toEqual(right!.startKey);
    await cluster.close();
  });

  it('shows on the store what happened', async () => {
    const cluster = await TestCluster.start(1);
    const node = cluster.nodes[0]!;
    const seen: string[] = [];
    node.store!.regionChanges.subscribe((changes) => {
      for (const change of changes) seen.push(`${change.type} ${outline([change.region])[0]}`);
    });
    await splitAt(cluster, 'm');
    await awaitRegions(cluster, 2);
    expect(seen).toEqual(['split -2', 'created m-2']);
    expect(node.store!.metrics().splits).toBe(1);
    await cluster.close();
  });
});

describe('a scheduler’s order to split', () => {
  /** Has every answer to a region’s heartbeat ask for a split, until the region has another epoch. */
  function order(cluster: TestCluster, keys: readonly string[]): void {
    const { scheduler } = cluster;
    const { id, regionEpoch } = cluster.region;
    const answer = scheduler.regionHeartbeat.bind(scheduler);
    scheduler.regionHeartbeat = (request) => {
      const outcome = answer(request);
      const { region } = request;
      if (outcome.type !== 'answered' || region?.id !== id) return outcome;
      if (region.regionEpoch?.version !== regionEpoch?.version) return outcome;
      const splitRegion = { keys: keys.map((key) => Buffer.from(key)) };
      return { ...outcome, response: { ...outcome.response, splitRegion } };
    };
  }

  it('is carried out at its keys, once, however often it is repeated', async () => {
    const cluster = await TestCluster.start(3);
    order(cluster, ['g', 'p']);
    expect(outline(await awaitRegions(cluster, 3))).toEqual(['-3', 'g-3', 'p-3']);
    await cluster.world.advance(1_000);
    expect(outline(regionsOn(cluster.nodes[0]!))).toEqual(['-3', 'g-3', 'p-3']);
    await cluster.close();
  });

  it('is carried out in the middle', async () => {
    const cluster = await TestCluster.start(3);
    for (let number = 10; number < 30; number += 1) await putKey(cluster, `k${number}`, 'x');
    order(cluster, []);
    expect(outline(await awaitRegions(cluster, 2))).toEqual(['-2', 'k20-2']);
    await cluster.close();
  });
});
