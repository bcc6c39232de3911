import { dataKey, MemoryEngine } from '@flotilla/engine';
import { flotillapb, metapb } from '@flotilla/protocol';
import { createMemoryLogger } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { ConsistencyChecker } from '../../src/consistency/consistency-checker.ts';
import type { Inconsistency } from '../../src/consistency/inconsistency.ts';
import { hashRegion } from '../../src/consistency/region-hash.ts';
import { StoreMetrics } from '../../src/metrics.ts';

const { Computed, Computing, Failed, Matched, Mismatched } = flotillapb.RegionHashState;
const peer = metapb.Peer.create({ id: 1, storeId: 1 });
const regionOf = (id: number, fields: Partial<metapb.Region> = {}) =>
  metapb.Region.create({ id, peers: [peer], regionEpoch: { confVer: 1, version: 1 }, ...fields });

async function engineWith(pairs: readonly (readonly [string, string])[], family: 'default' | 'lock' = 'default') {
  const engine = new MemoryEngine();
  const batch = engine.batch();
  for (const [key, value] of pairs) batch.put(dataKey(family, Buffer.from(key)), Buffer.from(value));
  await engine.write(batch, { sync: false });
  return engine;
}

function checkerOf(engine: MemoryEngine, maxChecks = 4) {
  const metrics = new StoreMetrics();
  const logger = createMemoryLogger();
  const computed: number[] = [];
  const found: Inconsistency[] = [];
  const checker = new ConsistencyChecker({
    kvEngine: engine,
    logger,
    metrics,
    maxChecks,
    onComputed: (_regionId, index) => computed.push(index),
    onInconsistency: (one) => found.push(one),
  });
  return { checker, metrics, logger, computed, found };
}

describe('the hash of a region', () => {
  const hash = async (engine: MemoryEngine, region = regionOf(1)) =>
    Buffer.from(await hashRegion(engine, region, new AbortController().signal)).toString('hex');

  it('tells apart what differs anywhere, and nothing else', async () => {
    const base = await hash(await engineWith([['ab', 'c']]));
    expect(await hash(await engineWith([['ab', 'c']]))).toBe(base);
    const others = [
      await hash(await engineWith([['a', 'bc']])),
      await hash(await engineWith([['ab', 'd']])),
      await hash(await engineWith([['ab', '']])),
      await hash(await engineWith([['ab', 'c']], 'lock')),
      await hash(await engineWith([])),
      await hash(await engineWith([['ab', 'c']]), regionOf(1, { endKey: Buffer.from('z') })),
      await hash(await engineWith([['ab', 'c']]), regionOf(1, { regionEpoch: { confVer: 2, version: 1 } })),
    ];
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
    const peers = [peer, metapb.Peer.create({ id: 2, storeId: 2 })];
    const engine = await engineWith([]);
    expect(await hash(engine, regionOf(1, { peers }))).toBe(
      await hash(engine, regionOf(1, { peers: peers.reverse() })),
    );
  });

  it('covers the region alone, to its last pair', async () => {
    const pairs = Array.from({ length: 2_000 }, (_, number) => [`k${1_000 + number}`, 'v'] as const);
    const region = regionOf(1, { startKey: Buffer.from('k1000'), endKey: Buffer.from('k2500') });
    const base = await hash(await engineWith(pairs), region);
    expect(await hash(await engineWith([...pairs, ['k2500', 'x'], ['a', 'x']]), region)).toBe(base);
    expect(await hash(await engineWith([...pairs, ['k2499', 'x']]), region)).not.toBe(base);
  });
});

describe('a consistency checker', () => {
  it('hashes what was there when it was asked', async () => {
    const engine = await engineWith([['k', '1']]);
    const { checker, computed } = checkerOf(engine);
    const before = await hashRegion(engine, regionOf(1), new AbortController().signal);
    checker.compute(regionOf(1), 1, 7);
    const batch = engine.batch();
    batch.put(dataKey('default', Buffer.from('k')), Buffer.from('2'));
    await engine.write(batch, { sync: false });
    expect(checker.newest(1)?.state).toBe(Computing);
    await checker.whenComputed(1);
    expect(checker.newest(1)).toEqual({ regionId: 1, peer, index: 7, hash: before, state: Computed });
    expect(computed).toEqual([7]);
  });

  it("compares with the leader's hash, whichever is there first, and at the same index only", async () => {
    const engine = await engineWith([['k', '1']]);
    const { checker, found, metrics } = checkerOf(engine);
    const right = await hashRegion(engine, regionOf(1), new AbortController().signal);
    const wrong = Buffer.alloc(32);
    checker.compute(regionOf(1), 1, 7);
    checker.verify(1, 6, wrong);
    checker.verify(1, 7, right);
    await checker.whenComputed(1);
    expect(checker.newest(1)?.state).toBe(Matched);
    checker.compute(regionOf(1), 1, 8);
    await checker.whenComputed(1);
    checker.verify(1, 7, wrong);
    expect(checker.newest(1)?.state).toBe(Computed);
    checker.verify(1, 8, wrong);
    checker.verify(1, 8, wrong);
    expect(checker.newest(1)?.state).toBe(Mismatched);
    expect(checker.isInconsistent(1)).toBe(true);
    expect(found).toEqual([{ regionId: 1, peerId: 1, index: 8, expected: wrong, found: right }]);
    expect(metrics.inconsistencies).toBe(1);
    checker.verify(2, 8, wrong);
    expect(checker.newest(2)).toBeUndefined();
  });

  it('leaves out what would be too many at once, and says so', async () => {
    const { checker, metrics, logger } = checkerOf(await engineWith([['k', '1']]), 1);
    checker.compute(regionOf(1), 1, 7);
    checker.compute(regionOf(2), 1, 9);
    expect(checker.newest(2)).toMatchObject({ index: 9, state: Failed });
    expect(metrics.consistencyChecksSkipped).toBe(1);
    expect(logger.messages('warn')).toHaveLength(1);
    await checker.whenComputed(1);
    checker.compute(regionOf(2), 1, 10);
    await checker.whenComputed(2);
    expect(checker.newest(2)?.state).toBe(Computed);
  });

  it('gives up when it is closed, when the peer goes and when the database fails', async () => {
    const pairs = Array.from({ length: 2_000 }, (_, number) => [`k${number}`, 'v'] as const);
    const { checker, computed, logger } = checkerOf(await engineWith(pairs));
    checker.compute(regionOf(1), 1, 7);
    checker.forget(1);
    checker.compute(regionOf(2), 1, 7);
    await checker.close();
    expect(checker.newest(1)).toBeUndefined();
    expect(checker.newest(2)?.state).toBe(Failed);
    checker.compute(regionOf(3), 1, 7);
    expect(checker.newest(3)).toBeUndefined();
    expect(computed).toEqual([]);
    expect(logger.messages('warn')).toEqual([]);
    const broken = await engineWith(pairs);
    const other = checkerOf(broken);
    other.checker.compute(regionOf(1), 1, 7);
    broken.disk.crash();
    await other.checker.whenComputed(1);
    expect(other.checker.newest(1)?.state).toBe(Failed);
    expect(other.logger.messages('warn')).toEqual(['a region could not be hashed']);
  });
});
