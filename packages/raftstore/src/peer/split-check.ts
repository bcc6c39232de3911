import { epochOf } from '@flotilla/scheduler-client';
import { type RaftStoreConfig, ticksOf } from '../config.ts';
import { failed, invalidRequest, regionNotFound, serverIsBusy } from '../region-error.ts';
import { ignoreReply, type Reply } from '../reply.ts';
import type { SplitCheckResult, SplitCheckTask } from '../split-check-worker/message.ts';
import type { Peer } from './peer.ts';
import { prepareSplit } from './split-preparation.ts';

/** How large a region is, roughly. */
export interface RegionSize {
  readonly bytes: number;
  readonly keys: number;
}

/**
 * What a peer knows about the size of its region, and when it has that measured again: the size is unknown, or it was
 * found too large, or an eighth of a part has been written since. Only a leader asks.
 */
export class SplitCheck {
  readonly #ticks: number;
  #untilCheck: number;
  #size: RegionSize | undefined;
  /** Bytes and keys written since the last check began. */
  #writtenBytes = 0;
  #isUnderWay = false;
  #needsCheck = false;
  /** Who waits for a split in the middle. */
  #middleReply: Reply | undefined;

  constructor(config: RaftStoreConfig) {
    this.#ticks = ticksOf(config, config.splitCheckIntervalMs);
    this.#untilCheck = this.#ticks;
  }

  /** The size at the last check and what was written since; `undefined` while it was never measured. */
  get size(): RegionSize | undefined {
    const size = this.#size;
    return size === undefined ? undefined : { bytes: size.bytes + this.#writtenBytes, keys: size.keys };
  }

  /** Whether nothing is known to be left to do: a region that was found too large is not forgotten until it is split. */
  get isSettled(): boolean {
    return !this.#needsCheck && !this.#isUnderWay;
  }

  noteWritten(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /** The region has another range: what was measured says nothing about it, but the part of `parts` that it may be. */
  splitInto(parts: number): void {
    const size = this.size;
    this.#size = size === undefined ? undefined : share(size, parts);
    this.#writtenBytes = 0;
    this.#needsCheck = true;
    this.#untilCheck = 1;
  }

  /** What is known of the size does not hold any more. */
  remeasure(): void {
    this.#size = undefined;
    this.#writtenBytes = 0;
  }

  /** Begins with a share of the region that it was split from. */
  inherit(size: RegionSize | undefined): void {
    this.#size = size;
    this.#needsCheck = true;
  }

  tick(peer: Peer): void {
    this.#untilCheck -= 1;
    if (this.#untilCheck > 0) return;
    // Stays due while the worker is busy with other regions, so that none is passed over at every interval.
    if (this.#isWorthIt(peer) && !this.#begin(peer)) return;
    this.#untilCheck = this.#ticks;
  }

  /**
   * Has a region measured that fell asleep before it could be, as after a start with many regions. The worker's queue bounds
   * how many wait; another visit comes.
   */
  measureUnknown(peer: Peer): void {
    if (this.#size === undefined && !this.#isUnderWay) this.#schedule(peer);
  }

  /** Looks for the key that halves the region, and splits it there. */
  splitInMiddle(peer: Peer, reply: Reply): void {
    if (this.#middleReply !== undefined) {
      reply(failed(serverIsBusy('another split in the middle is under way'), peer.term));
      return;
    }
    if (peer.context.scheduleSplitCheck(taskOf(peer, 'middle'))) this.#middleReply = reply;
    else reply(failed(serverIsBusy('the queue of split checks is full'), peer.term));
  }

  /** Takes in what the worker found. */
  done(peer: Peer, result: SplitCheckResult): void {
    // Whoever asked an earlier peer of this region has been answered.
    if (result.mode === 'middle' && this.#middleReply === undefined) return;
    const reply = result.mode === 'middle' ? this.#takeMiddleReply() : ignoreReply;
    if (result.mode === 'size') this.#isUnderWay = false;
    if (result.type === 'failed') {
      if (result.mode === 'size') this.#needsCheck = true;
      peer.logger.warn('a region could not be measured', { code: result.code, reason: result.message });
      reply(failed(serverIsBusy(`the region could not be measured (${result.code})`), peer.term));
      return;
    }
    // What a machine has stays in one region, however large.
    const isWhole = peer.context.machines.kinds.ofRegion(peer.region) !== undefined;
    const splitKeys = isWhole ? [] : result.splitKeys;
    if (result.epoch.version === peer.region.regionEpoch?.version && result.mode === 'size') {
      this.#size = { bytes: result.bytes, keys: result.keys };
      this.#needsCheck = splitKeys.length > 0;
    }
    if (splitKeys.length > 0) prepareSplit(peer, result.epoch, splitKeys, reply);
    else if (result.mode === 'middle') {
      reply(failed(invalidRequest('splitKeys', 'a region with fewer than two keys has no middle'), peer.term));
    }
  }

  /** Answers who waits, because the peer goes or the store closes. */
  abandon(peer: Peer, reason: string | undefined): void {
    const error = reason === undefined ? regionNotFound(peer.regionId) : serverIsBusy(reason);
    this.#takeMiddleReply()(failed(error));
  }

  #isWorthIt(peer: Peer): boolean {
    if (this.#isUnderWay || !peer.isLeader) return false;
    const isGrown = this.#writtenBytes * 8 >= peer.context.config.regionSplitBytes;
    return this.#size === undefined || this.#needsCheck || isGrown;
  }

  #begin(peer: Peer): boolean {
    return peer.context.isSplitCheckIdle && this.#schedule(peer);
  }

  #schedule(peer: Peer): boolean {
    if (!peer.context.scheduleSplitCheck(taskOf(peer, 'size'))) return false;
    this.#isUnderWay = true;
    this.#needsCheck = false;
    this.#writtenBytes = 0;
    return true;
  }

  #takeMiddleReply(): Reply {
    const reply = this.#middleReply ?? ignoreReply;
    this.#middleReply = undefined;
    return reply;
  }
}

/** An even share of a region that was split. */
export function share(size: RegionSize, parts: number): RegionSize {
  return { bytes: Math.floor(size.bytes / parts), keys: Math.floor(size.keys / parts) };
}

function taskOf(peer: Peer, mode: SplitCheckTask['mode']): SplitCheckTask {
  const { region } = peer;
  const { regionMaxBytes, regionSplitBytes, maxSplitKeys } = peer.context.config;
  return {
    regionId: region.id,
    epoch: epochOf(region),
    startKey: region.startKey,
    endKey: region.endKey,
    mode,
    maxBytes: regionMaxBytes,
    splitBytes: regionSplitBytes,
    maxSplitKeys,
  };
}
