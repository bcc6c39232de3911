import { describe, expect, it } from 'vitest';
import {
  type CallbackEvent,
  checkCallbacks,
  checkEpochs,
  checkLeaders,
  checkRegionTiling,
  checkReplicaHashes,
  type EpochObservation,
  type LeaderObservation,
  type RegionRange,
  type ReplicaHash,
  type Verdict,
} from '../../src/index.ts';

function messageOf(verdict: Verdict): string {
  return verdict.outcome === 'violated' ? verdict.violation.message : verdict.outcome;
}

describe('checkCallbacks', () => {
  const registered = (id: string): CallbackEvent => ({ type: 'registered', id });
  const called = (id: string): CallbackEvent => ({ type: 'called', id });

  it.each<[string, readonly CallbackEvent[], string]>([
    ['accepts none', [], 'valid'],
    ['accepts each called once, in any order', [registered('a'), registered('b'), called('b'), called('a')], 'valid'],
    ['convicts one never called', [registered('a'), registered('b'), called('b')], 'callback a is never called'],
    ['convicts one called twice', [registered('a'), called('a'), called('a')], 'callback a is called twice'],
    ['convicts one called too early', [called('a'), registered('a')], 'callback a is called before it is registered'],
    [
      'convicts one registered twice',
      [registered('a'), called('a'), registered('a')],
      'callback a is registered twice',
    ],
  ])('%s', (_, events, message) => {
    expect(messageOf(checkCallbacks(events))).toBe(message);
  });
});

describe('checkReplicaHashes', () => {
  const replica = (regionId: number, storeId: number, appliedIndex: number, hash: string): ReplicaHash => ({
    regionId,
    storeId,
    appliedIndex,
    hash,
  });

  it.each<[string, readonly ReplicaHash[], boolean, string]>([
    ['accepts equal hashes', [replica(1, 1, 7, 'a'), replica(1, 2, 7, 'a'), replica(2, 1, 7, 'b')], true, 'valid'],
    ['accepts a replica that lags', [replica(1, 1, 7, 'a'), replica(1, 2, 6, 'b')], false, 'valid'],
    [
      'convicts a replica that lags after a quiet phase',
      [replica(1, 1, 7, 'a'), replica(1, 2, 6, 'b')],
      true,
      'region 1: store 1 is at index 7, store 2 at 6',
    ],
    [
      'convicts states that differ',
      [replica(1, 1, 7, 'a'), replica(1, 2, 7, 'a'), replica(1, 3, 7, 'b')],
      false,
      'region 1 at index 7: store 1 has a, store 3 has b',
    ],
  ])('%s', (_, hashes, isConverged, message) => {
    expect(messageOf(checkReplicaHashes(hashes, { isConverged }))).toBe(message);
  });
});

describe('checkRegionTiling', () => {
  const region = (regionId: number, start: string, end: string): RegionRange => ({
    regionId,
    startKey: Buffer.from(start),
    endKey: Buffer.from(end),
  });

  it.each<[string, readonly RegionRange[], string]>([
    ['accepts one region for all', [region(1, '', '')], 'valid'],
    ['accepts a tiling in any order', [region(3, 'm', ''), region(1, '', 'a'), region(2, 'a', 'm')], 'valid'],
    ['convicts no region', [], 'there is no region'],
    ['convicts a hole', [region(1, '', 'a'), region(2, 'b', '')], 'no region holds the keys from 0x61 to 0x62'],
    ['convicts a hole at the start', [region(1, 'a', '')], 'no region holds the keys before 0x61'],
    ['convicts a hole at the end', [region(1, '', 'a')], 'no region holds the keys from 0x61'],
    ['convicts an overlap', [region(1, '', 'b'), region(2, 'a', '')], 'regions 1 and 2 both hold 0x61'],
    ['convicts a region inside another', [region(1, '', ''), region(2, 'a', 'b')], 'regions 1 and 2 both hold 0x61'],
    ['convicts two for all', [region(1, '', ''), region(2, '', '')], 'regions 1 and 2 both hold the first key'],
    ['convicts an id that is there twice', [region(1, '', 'a'), region(1, 'a', '')], 'region 1 is there twice'],
    ['convicts an empty region', [region(1, '', 'a'), region(2, 'a', 'a')], 'region 2 is empty'],
    ['orders keys by their bytes', [region(1, '', '\u{7f}'), region(2, '\u{7f}', 'é'), region(3, 'é', '')], 'valid'],
  ])('%s', (_, regions, message) => {
    expect(messageOf(checkRegionTiling(regions))).toBe(message);
  });
});

describe('checkEpochs', () => {
  const saw = (observer: string, confVer: number, version: number, shape = ''): EpochObservation => ({
    observer,
    regionId: 1,
    confVer,
    version,
    shape,
  });

  it.each<[string, readonly EpochObservation[], string]>([
    ['accepts epochs that grow', [saw('store 1', 1, 1), saw('store 1', 1, 2), saw('store 1', 2, 2)], 'valid'],
    ['accepts an observer that lags', [saw('store 1', 1, 2), saw('store 2', 1, 1), saw('store 2', 1, 2)], 'valid'],
    ['accepts equal shapes', [saw('store 1', 1, 1, 'a..b'), saw('store 2', 1, 1, 'a..b')], 'valid'],
    [
      'convicts a version that goes back',
      [saw('store 1', 1, 2), saw('store 1', 2, 1)],
      'store 1 sees the epoch of region 1 go from 1, 2 to 2, 1 (confVer, version)',
    ],
    [
      'convicts a confVer that goes back',
      [saw('store 1', 2, 1), saw('store 1', 1, 2)],
      'store 1 sees the epoch of region 1 go from 2, 1 to 1, 2 (confVer, version)',
    ],
    [
      'convicts two shapes of one epoch',
      [saw('store 1', 1, 1, 'a..b'), saw('store 2', 1, 1, 'a..c')],
      'region 1 has two shapes at epoch 1, 1: a..b to store 1, a..c to store 2',
    ],
  ])('%s', (_, observations, message) => {
    expect(messageOf(checkEpochs(observations))).toBe(message);
  });
});

describe('checkLeaders', () => {
  const leads = (regionId: number, term: number, peerId: number): LeaderObservation => ({ regionId, term, peerId });

  it.each<[string, readonly LeaderObservation[], string]>([
    ['accepts a leader seen twice, and another later', [leads(1, 5, 1), leads(1, 5, 1), leads(1, 6, 2)], 'valid'],
    ['accepts regions of different leaders', [leads(1, 5, 1), leads(2, 5, 2)], 'valid'],
    [
      'convicts two leaders in one term',
      [leads(1, 5, 1), leads(1, 6, 2), leads(1, 5, 3)],
      'region 1 has two leaders in term 5: peers 1 and 3',
    ],
  ])('%s', (_, observations, message) => {
    expect(messageOf(checkLeaders(observations))).toBe(message);
  });
});
