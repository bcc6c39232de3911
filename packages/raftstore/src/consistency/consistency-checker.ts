import type { Engine, EngineSnapshot } from '@flotilla/engine';
import { flotillapb, type metapb } from '@flotilla/protocol';
import type { Logger } from '@flotilla/runtime';
import type { StoreMetrics } from '../metrics.ts';
import { findPeer } from '../region.ts';
import type { Inconsistency } from './inconsistency.ts';
import { hashRegion } from './region-hash.ts';

const { RegionHashState } = flotillapb;

/** What the consistency checker needs. */
export interface ConsistencyCheckerOptions {
  readonly kvEngine: Engine;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
  /** Hashes that may be computed at once: each keeps a snapshot of the whole database. */
  readonly maxChecks: number;
  /** Hears of a hash of this store, for the leader to have the others compare theirs. */
  readonly onComputed: (regionId: number, index: number, hash: Uint8Array) => void;
  readonly onInconsistency: (found: Inconsistency) => void;
}

interface Check {
  readonly regionId: number;
  readonly peer: metapb.Peer;
  readonly index: number;
  readonly controller: AbortController;
  state: flotillapb.RegionHashState;
  hash: Uint8Array;
  /** The leader's hash, when it came before this replica had its own. */
  expected: Uint8Array | undefined;
  done: Promise<void>;
}

/**
 * Hashes the regions of a store where a `ComputeHash` entry asks for it, and compares them where a `VerifyHash` entry brings
 * the leader's hash. It remembers the newest hash of each region, with its index, for whoever asks.
 *
 * A snapshot of LevelDB belongs to the thread that took it, and only the apply worker knows when the database is exactly
 * at an entry; so hashing runs in this thread, between reads that LevelDB does in others.
 */
export class ConsistencyChecker {
  readonly #options: ConsistencyCheckerOptions;
  readonly #checks = new Map<number, Check>();
  readonly #running = new Set<Check>();
  #isClosed = false;

  constructor(options: ConsistencyCheckerOptions) {
    this.#options = options;
  }

  /** Begins to hash the region as the database holds it now: with every entry up to `index` applied and none after it. */
  compute(region: metapb.Region, peerId: number, index: number): void {
    const peer = findPeer(region, peerId);
    if (peer === undefined || this.#isClosed) return;
    const { kvEngine, logger, maxChecks, metrics } = this.#options;
    const regionId = region.id;
    this.#checks.get(regionId)?.controller.abort();
    if (this.#running.size >= maxChecks) {
      logger.warn('a consistency check was left out: too many at once', { regionId, index, maxChecks });
      metrics.consistencyChecksSkipped += 1;
      this.#checks.set(regionId, newCheck(regionId, peer, index, RegionHashState.Failed));
      return;
    }
    const check = newCheck(regionId, peer, index, RegionHashState.Computing);
    this.#checks.set(regionId, check);
    this.#running.add(check);
    check.done = this.#run(check, region, kvEngine.snapshot());
  }

  /** Compares this replica's hash at `index` with the leader's, at once or when it is computed. */
  verify(regionId: number, index: number, expected: Uint8Array): void {
    const check = this.#checks.get(regionId);
    if (check?.index !== index) return;
    check.expected = expected;
    if (check.state === RegionHashState.Computed) this.#compare(check);
  }

  /** The newest hash of a region's replica here. */
  newest(regionId: number): flotillapb.RegionHash | undefined {
    const check = this.#checks.get(regionId);
    if (check === undefined) return undefined;
    const { peer, index, hash, state } = check;
    return { regionId, peer, index, hash, state };
  }

  /** Whether another hash may be computed now. */
  get hasRoom(): boolean {
    return this.#running.size < this.#options.maxChecks;
  }

  /** Whether a check of the region is under way. */
  isChecking(regionId: number): boolean {
    return this.#checks.get(regionId)?.state === RegionHashState.Computing;
  }

  isInconsistent(regionId: number): boolean {
    return this.#checks.get(regionId)?.state === RegionHashState.Mismatched;
  }

  /** Resolves when the region's newest hash has been computed, or cannot be. */
  async whenComputed(regionId: number): Promise<void> {
    await this.#checks.get(regionId)?.done;
  }

  /** The region's peer is gone from this store. */
  forget(regionId: number): void {
    this.#checks.get(regionId)?.controller.abort();
    this.#checks.delete(regionId);
  }

  /** Gives up what is under way, and lets go of the database. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const check of this.#running) check.controller.abort();
    await Promise.all([...this.#running].map((check) => check.done));
  }

  async #run(check: Check, region: metapb.Region, snapshot: EngineSnapshot): Promise<void> {
    const { logger, metrics, onComputed } = this.#options;
    const { regionId, index, controller } = check;
    try {
      check.hash = await hashRegion(snapshot, region, controller.signal);
      check.state = RegionHashState.Computed;
      metrics.consistencyChecks += 1;
    } catch (error) {
      check.state = RegionHashState.Failed;
      if (!controller.signal.aborted) logger.warn('a region could not be hashed', { regionId, index, error });
    }
    this.#running.delete(check);
    await snapshot.close().catch((error: unknown) => logger.warn('a snapshot could not be closed', { error }));
    if (check.state !== RegionHashState.Computed || this.#checks.get(regionId) !== check) return;
    if (check.expected !== undefined) this.#compare(check);
    onComputed(regionId, index, check.hash);
  }

  #compare(check: Check): void {
    const { expected, hash, index, peer, regionId } = check;
    if (expected === undefined) return;
    if (Buffer.compare(expected, hash) === 0) {
      check.state = RegionHashState.Matched;
      return;
    }
    check.state = RegionHashState.Mismatched;
    this.#options.metrics.inconsistencies += 1;
    this.#options.logger.error("a replica's data are not those of its leader", {
      regionId,
      peerId: peer.id,
      index,
      expected: Buffer.from(expected).toString('hex'),
      found: Buffer.from(hash).toString('hex'),
    });
    this.#options.onInconsistency({ regionId, peerId: peer.id, index, expected, found: hash });
  }
}

function newCheck(regionId: number, peer: metapb.Peer, index: number, state: flotillapb.RegionHashState): Check {
  return {
    regionId,
    peer,
    index,
    controller: new AbortController(),
    state,
    hash: new Uint8Array(0),
    expected: undefined,
    done: Promise.resolve(),
  };
}
