import type { metapb, schedulerpb } from '@flotilla/protocol';

/** What is known about a region besides its leader. */
export interface RegionCondition {
  readonly region: metapb.Region;
  /** Peers that have not caught up with the log since they were added. */
  readonly pendingPeers: readonly metapb.Peer[];
  /** Peers that the leader has not heard of for a while. */
  readonly downPeers: readonly schedulerpb.DownPeer[];
  /** Bytes of keys and values, roughly; 0 while unknown. */
  readonly approximateSize: number;
  /** Keys, roughly; 0 while unknown. */
  readonly approximateKeys: number;
  /** What was written and read between the last two reports. */
  readonly flow: schedulerpb.RegionFlow | undefined;
  /** The leader's term; 0 while unknown. */
  readonly term: number;
}

/** A region as its leader's latest heartbeat told. */
export interface RegionReport extends RegionCondition {
  readonly leader: metapb.Peer;
}

/** What is known of a region that has not been reported by a leader yet. */
export function unreportedRegion(region: metapb.Region): RegionCondition & { readonly leader: undefined } {
  const figures = { approximateSize: 0, approximateKeys: 0, flow: undefined, term: 0 };
  return { region, leader: undefined, pendingPeers: [], downPeers: [], ...figures };
}

/** The report that a heartbeat carries. */
export function reportOf(
  heartbeat: schedulerpb.RegionHeartbeatRequest,
  region: metapb.Region,
  leader: metapb.Peer,
): RegionReport {
  const { pendingPeers, downPeers, approximateSize, approximateKeys, flow, term } = heartbeat;
  return { region, leader, pendingPeers, downPeers, approximateSize, approximateKeys, flow, term };
}

/** Whether a report is from before what is known, of a leader that has been voted out since. */
export function isTermStale(term: number, known: RegionCondition | undefined): boolean {
  return known !== undefined && term > 0 && term < known.term;
}
