import { metapb } from '@flotilla/protocol';
import { epochOf, isEpochStale, isSameEpoch, RegionTree } from '@flotilla/scheduler-client';

/** A region as the client knows it. */
export interface CachedRegion {
  readonly region: metapb.Region;
  /** The peer to ask; `undefined` while none is known to lead. */
  readonly leader: metapb.Peer | undefined;
}

/**
 * What the client knows of regions and their leaders: hints, checked by the stores through the epochs in each request.
 *
 * Invariant: no two regions overlap; a region is never replaced by what it was before.
 */
export class RegionCache {
  readonly #tree = new RegionTree<CachedRegion>();
  readonly #capacity: number;

  /** A cache of up to `capacity` regions, at least 1; when there would be more, it starts afresh. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The region whose range holds `key`. */
  find(key: Uint8Array): CachedRegion | undefined {
    return this.#tree.find(key);
  }

  /**
   * Takes in a region in the place of all it overlaps. One that is older than what is known of its range or of itself changes
   * nothing; one that is known as it is only has its leader renewed. Returns whether it is now in the cache.
   */
  insert(region: metapb.Region, leader: metapb.Peer | undefined): boolean {
    const epoch = epochOf(region);
    const known = this.#tree.getById(region.id);
    if (known !== undefined) {
      const knownEpoch = epochOf(known.region);
      if (isEpochStale(epoch, knownEpoch)) return false;
      if (isSameEpoch(epoch, knownEpoch)) {
        if (leader !== undefined) this.#tree.update({ region: known.region, leader });
        return true;
      }
    }
    const overlapping = this.#tree.overlapping(region.startKey, region.endKey);
    if (overlapping.some((other) => epochOf(other.region).version > epoch.version)) return false;
    if (known === undefined && this.#tree.size - overlapping.length >= this.#capacity) this.clear();
    this.#tree.replace({ region, leader });
    return true;
  }

  /** Notes who leads a region; a leader that is no peer of the region as it is known shows that this is out of date. */
  setLeader(regionId: number, leader: metapb.Peer): void {
    const known = this.#tree.getById(regionId);
    if (known === undefined) return;
    if (known.region.peers.some(({ id }) => id === leader.id)) this.#tree.update({ region: known.region, leader });
    else this.#tree.delete(regionId);
  }

  /** Notes that `peer` could not be reached or does not lead: the next voter is asked instead. */
  avoid(regionId: number, peer: metapb.Peer): void {
    const known = this.#tree.getById(regionId);
    if (known === undefined || firstChoice(known)?.id !== peer.id) return;
    const voters = votersOf(known.region);
    const position = voters.findIndex(({ id }) => id === peer.id);
    this.#tree.update({ region: known.region, leader: voters[(position + 1) % voters.length] });
  }

  delete(regionId: number): void {
    this.#tree.delete(regionId);
  }

  clear(): void {
    for (const { region } of [...this.#tree.entries()]) this.#tree.delete(region.id);
  }
}

/** The peer to ask first: the leader, else the first voter. */
export function firstChoice({ region, leader }: CachedRegion): metapb.Peer | undefined {
  return leader ?? votersOf(region)[0];
}

function votersOf(region: metapb.Region): metapb.Peer[] {
  return region.peers.filter(({ role }) => role === metapb.PeerRole.Voter);
}
