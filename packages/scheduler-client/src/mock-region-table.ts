import type { metapb, schedulerpb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import {
  assertDistinctVersions,
  assertOneLeader,
  assertPossibleSuccessor,
  assertReportWellFormed,
  assertWellFormed,
} from './mock-region-check.ts';
import {
  isTermStale,
  type RegionCondition,
  type RegionReport,
  reportOf,
  unreportedRegion,
} from './operator/region-report.ts';
import { epochOf, isEpochStale, isSameEpoch } from './region-epoch.ts';
import { RegionTree } from './region-tree.ts';

/** What a mock region is known by: its latest report, without a leader until the first heartbeat. */
export interface MockRegion extends RegionCondition {
  readonly leader: metapb.Peer | undefined;
}

/** The regions of a mock scheduler. Each report is checked: it has to be one that can follow from those before. */
export class MockRegionTable {
  readonly #regions = new RegionTree<MockRegion>();
  /** Latest report by region id, kept after the region has left the tree: a half-reported split displaces its parent. */
  readonly #lastReported = new Map<number, MockRegion>();

  /** Takes in a cluster's first region. */
  begin(region: metapb.Region, store: metapb.Store): void {
    assertWellFormed(region);
    const [peer] = region.peers;
    const isFirst = region.startKey.length === 0 && region.endKey.length === 0 && region.peers.length === 1;
    assert(isFirst && peer?.storeId === store.id, 'the first region is whole, with one peer, on the first store', {
      region,
      store,
    });
    this.#remember(unreportedRegion(region));
  }

  get size(): number {
    return this.#regions.size;
  }

  find(key: Uint8Array): MockRegion | undefined {
    return this.#regions.find(key);
  }

  getById(regionId: number): MockRegion | undefined {
    return this.#regions.getById(regionId);
  }

  scan(startKey: Uint8Array, endKey: Uint8Array, limit: number): MockRegion[] {
    return this.#regions.scan(startKey, endKey, limit);
  }

  /** Every region in key order. */
  entries(): IterableIterator<MockRegion> {
    return this.#regions.entries();
  }

  /**
   * Takes in a heartbeat; undefined when a newer one has overtaken it.
   *
   * @throws {InvariantError} when it cannot follow from what was reported before.
   */
  report(request: schedulerpb.RegionHeartbeatRequest): RegionReport | undefined {
    const { region, leader } = request;
    assert(region !== undefined, 'a heartbeat without a region');
    assert(leader !== undefined, 'a heartbeat without a leader');
    assertWellFormed(region);
    const report = reportOf(request, region, leader);
    assertReportWellFormed(report);
    const known = this.#lastReported.get(region.id);
    if (this.#isStale(region) || isTermStale(report.term, known)) return undefined;
    assertOneLeader(known, report);
    this.#remember(report);
    return report;
  }

  /**
   * Takes in those parts of a split that nothing has overtaken, all at once; returns how many they were.
   *
   * @throws {InvariantError} when a part cannot follow from what was reported before.
   */
  reportSplit(parts: readonly metapb.Region[]): number {
    for (const part of parts) assertWellFormed(part);
    const current = parts.filter((part) => !this.#isStale(part));
    const known = new Map(current.map((part) => [part.id, this.#regions.getById(part.id)]));
    for (const region of current) {
      const earlier = known.get(region.id);
      if (earlier !== undefined && isSameEpoch(epochOf(earlier.region), epochOf(region))) continue;
      this.#remember({ ...unreportedRegion(region), ...keptAcrossSplit(earlier) });
    }
    return current.length;
  }

  #remember(entry: MockRegion): void {
    this.#regions.replace(entry);
    this.#lastReported.set(entry.region.id, entry);
  }

  /** Compares a region with the earlier one of its id and with all it overlaps; changes nothing. */
  #isStale(region: metapb.Region): boolean {
    const known = this.#lastReported.get(region.id)?.region;
    if (known !== undefined) {
      if (isEpochStale(epochOf(region), epochOf(known))) return true;
      assertPossibleSuccessor(known, region);
      if (isSameEpoch(epochOf(region), epochOf(known)) && this.#regions.getById(region.id) !== undefined) return false;
    }
    for (const other of this.#regions.overlapping(region.startKey, region.endKey)) {
      if (other.region.id === region.id) continue;
      assertDistinctVersions(other.region, region);
      if (epochOf(region).version < epochOf(other.region).version) return true;
    }
    return false;
  }
}

/** What a split does not change about the part that keeps the id. */
function keptAcrossSplit(earlier: MockRegion | undefined): Pick<MockRegion, 'leader' | 'pendingPeers' | 'term'> {
  return {
    leader: earlier?.leader,
    pendingPeers: earlier?.pendingPeers ?? [],
    term: earlier?.term ?? 0,
  };
}
