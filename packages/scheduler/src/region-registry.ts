import type { EngineReader } from '@flotilla/engine';
import { metapb, type schedulerpb } from '@flotilla/protocol';
import type { Timers } from '@flotilla/runtime';
import {
  compareKeys,
  epochOf,
  isEpochStale,
  isSameEpoch,
  isTermStale,
  type RegionCondition,
  type RegionReport,
  RegionTree,
  reportOf,
  unreportedRegion,
} from '@flotilla/scheduler-client';
import { decodeStored, layoutKeys, regionRange } from './data-layout.ts';
import type { DurableWriter } from './durable-writer.ts';

/** A region as last reported. The leader and what follows it are unknown after a restart, until the next report. */
export interface RegionView extends RegionCondition {
  readonly leader: metapb.Peer | undefined;
}

/** What became of a report. A refused one changed nothing. */
export type ReportOutcome =
  | { readonly type: 'accepted'; readonly report: RegionReport }
  | { readonly type: 'refused'; readonly reason: 'malformed' | 'staleEpoch' | 'staleTerm'; readonly message: string };

/**
 * The regions of the cluster, learned from their leaders' reports. What a report changes about ids, ranges and peers is
 * written behind, all that has gathered meanwhile in one batch: a restart may find an older state, which the next reports
 * make good, but never two regions that overlap.
 */
export class RegionRegistry {
  readonly #writer: DurableWriter;
  readonly #timers: Timers;
  readonly #regions = new RegionTree<RegionView>();
  /** Regions to write, or to delete when undefined. */
  readonly #unwritten = new Map<number, metapb.Region | undefined>();
  #writing: Promise<void> | undefined;
  #isScheduled = false;

  constructor(writer: DurableWriter, timers: Timers) {
    this.#writer = writer;
    this.#timers = timers;
  }

  async load(reader: EngineReader): Promise<void> {
    for await (const pairs of reader.iterate(regionRange)) {
      for (const { value } of pairs) this.remember(decodeStored(metapb.Region, value, 'a region'));
    }
  }

  /** Takes in a region that is durable already. */
  remember(region: metapb.Region): void {
    this.#regions.replace(unreportedRegion(region));
  }

  get size(): number {
    return this.#regions.size;
  }

  getById(regionId: number): RegionView | undefined {
    return this.#regions.getById(regionId);
  }

  find(key: Uint8Array): RegionView | undefined {
    return this.#regions.find(key);
  }

  findPrevious(key: Uint8Array): RegionView | undefined {
    return this.#regions.findPrevious(key);
  }

  scan(startKey: Uint8Array, endKey: Uint8Array, limit: number): RegionView[] {
    return this.#regions.scan(startKey, endKey, limit);
  }

  /** Takes in a leader's report unless it is from before what is known. */
  report(heartbeat: schedulerpb.RegionHeartbeatRequest): ReportOutcome {
    const report = checkReport(heartbeat);
    if (typeof report === 'string') return { type: 'refused', reason: 'malformed', message: report };
    const overtakenBy = this.#newerThan(report.region);
    if (overtakenBy !== undefined) {
      const message = `region ${report.region.id} is reported as it was before region ${overtakenBy} changed`;
      return { type: 'refused', reason: 'staleEpoch', message };
    }
    const known = this.#regions.getById(report.region.id);
    if (isTermStale(report.term, known)) {
      const message = `region ${report.region.id} is reported by a leader of term ${report.term}, which has passed`;
      return { type: 'refused', reason: 'staleTerm', message };
    }
    if (known !== undefined && isSameEpoch(epochOf(known.region), epochOf(report.region))) {
      this.#regions.update({ ...report, region: known.region });
    } else {
      this.#replace({ ...report, region: detach(report.region) });
    }
    return { type: 'accepted', report };
  }

  /**
   * Takes in the parts of a split that nothing newer has overtaken, all at once, so that nobody sees a gap between them;
   * returns how many that were. Their leaders are known from their own reports only.
   */
  reportSplit(parts: readonly metapb.Region[]): number {
    const current = parts.filter((part) => this.#newerThan(part) === undefined);
    const known = new Map(current.map((part) => [part.id, this.#regions.getById(part.id)]));
    for (const part of current) {
      const earlier = known.get(part.id);
      if (earlier !== undefined && isSameEpoch(epochOf(earlier.region), epochOf(part))) continue;
      const leader = part.peers.find((peer) => peer.id === earlier?.leader?.id);
      const kept = { leader, pendingPeers: earlier?.pendingPeers ?? [], term: earlier?.term ?? 0 };
      this.#replace({ ...unreportedRegion(detach(part)), ...kept });
    }
    return current.length;
  }

  /** Resolves once everything reported so far has been written, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || (this.#unwritten.size > 0 && !this.#writer.hasFailed)) {
      this.#writing ??= this.#write();
      await this.#writing;
    }
  }

  #replace(view: RegionView): void {
    for (const displaced of this.#regions.replace(view)) this.#unwritten.set(displaced.region.id, undefined);
    this.#unwritten.set(view.region.id, view.region);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.defer(() => {
      this.#isScheduled = false;
      void this.flush();
    });
  }

  /** One batch of all that waits. Never rejects: the writer has told of the failure and refuses everything from then on. */
  async #write(): Promise<void> {
    const changes = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      await this.#writer.write((batch) => {
        for (const [regionId, region] of changes) {
          if (region === undefined) batch.delete(layoutKeys.region(regionId));
          else batch.put(layoutKeys.region(regionId), metapb.Region.encode(region));
        }
      });
    } catch {
      this.#unwritten.clear();
    } finally {
      this.#writing = undefined;
    }
  }

  /**
   * The id of a known region that a report is older than. At any key, each region that ever held it has a version of its
   * own, so of two that overlap the one with the higher version is the newer.
   */
  #newerThan(region: metapb.Region): number | undefined {
    const epoch = epochOf(region);
    const known = this.#regions.getById(region.id);
    if (known !== undefined) {
      const knownEpoch = epochOf(known.region);
      if (isEpochStale(epoch, knownEpoch)) return region.id;
      if (epoch.version === knownEpoch.version) return isSameRange(region, known.region) ? undefined : region.id;
    }
    for (const other of this.#regions.overlapping(region.startKey, region.endKey)) {
      if (other.region.id !== region.id && epochOf(other.region).version >= epoch.version) return other.region.id;
    }
    return undefined;
  }
}

/** The report, or what is wrong with it. */
function checkReport(heartbeat: schedulerpb.RegionHeartbeatRequest): RegionReport | string {
  const { region, leader } = heartbeat;
  if (region === undefined || region.id < 1) return 'region: missing, or without an id';
  if (region.regionEpoch === undefined) return `region.region_epoch: missing in region ${region.id}`;
  if (region.endKey.length > 0 && compareKeys(region.startKey, region.endKey) >= 0) {
    return `region.start_key: not below the end key in region ${region.id}`;
  }
  if (leader === undefined || !region.peers.some((peer) => peer.id === leader.id)) {
    return `leader: missing, or not one of the peers of region ${region.id}`;
  }
  return reportOf(heartbeat, region, leader);
}

/** A copy whose keys do not hold on to the message they were read from. */
function detach(region: metapb.Region): metapb.Region {
  return { ...region, startKey: new Uint8Array(region.startKey), endKey: new Uint8Array(region.endKey) };
}

function isSameRange(left: metapb.Region, right: metapb.Region): boolean {
  return compareKeys(left.startKey, right.startKey) === 0 && compareKeys(left.endKey, right.endKey) === 0;
}
