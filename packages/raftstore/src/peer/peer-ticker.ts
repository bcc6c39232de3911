import { type RaftStoreConfig, ticksOf } from '../config.ts';
import { BoundarySplit } from './boundary-split.ts';
import { CommitWatch } from './commit-watch.ts';
import { beginConsistencyCheck } from './consistency-check.ts';
import { FullDiskRelief } from './full-disk-relief.ts';
import { LeaderWatch } from './leader-watch.ts';
import { isLogTooLong, proposeCompaction } from './log-compaction.ts';
import { MachineTicker } from './machine-ticker.ts';
import { leaveJointSoon } from './membership-proposer.ts';
import type { Peer } from './peer.ts';
import { retryReads } from './read-admission.ts';
import { pendingPeersOf, regionHeartbeatOf } from './region-report.ts';

/** What a peer does from time to time, counted in base ticks so that an idle region costs a few additions. */
export class PeerTicker {
  readonly #logGcTicks: number;
  readonly #heartbeatTicks: number;
  readonly #checkTicks: number;
  readonly #leaderWatch: LeaderWatch;
  readonly commitWatch: CommitWatch;
  readonly boundaries: BoundarySplit;
  readonly #machine: MachineTicker;
  readonly #relief: FullDiskRelief;
  #untilCheck: number;
  #untilLogGc: number;
  #untilHeartbeat: number;
  /** Whether the scheduler is to be told at the next tick, whenever the region's turn is. */
  #isHeartbeatDue = false;
  #untilReadRetry = 1;
  /** Whether the scheduler was told of peers that are behind: it waits to hear that they are not. */
  #hasPending = false;
  /** The end of the log that has been given to the log-GC worker. */
  #collectedIndex = 0;
  /** What a full queue refused, to be tried at the next tick. */
  #retries: (() => void)[] = [];

  constructor(config: RaftStoreConfig, regionId: number) {
    this.#logGcTicks = ticksOf(config, config.logGcIntervalMs);
    this.#leaderWatch = new LeaderWatch(config);
    this.commitWatch = new CommitWatch(config);
    this.boundaries = new BoundarySplit(config);
    this.#machine = new MachineTicker(config);
    this.#relief = new FullDiskRelief(config);
    this.#heartbeatTicks = ticksOf(config, config.regionHeartbeatIntervalMs);
    const { consistencyCheckIntervalMs: checkMs } = config;
    this.#checkTicks = checkMs === 0 ? Number.POSITIVE_INFINITY : ticksOf(config, checkMs);
    // Regions take turns: their checks would else all come at once.
    this.#untilCheck = checkMs === 0 ? Number.POSITIVE_INFINITY : 1 + (regionId % this.#checkTicks);
    this.#untilLogGc = this.#logGcTicks;
    this.#untilHeartbeat = 1 + (regionId % this.#heartbeatTicks);
  }

  /** Tells the scheduler at the next tick: the leader or the members have changed. The region keeps its turn. */
  heartbeatSoon(): void {
    this.#isHeartbeatDue = true;
  }

  /** Does something again at the next tick. */
  retrySoon(retry: () => void): void {
    this.#retries.push(retry);
  }

  /** Does something `ticks` ticks later. */
  retryAfter(ticks: number, retry: () => void): void {
    this.#retries.push(ticks <= 1 ? retry : () => this.retryAfter(ticks - 1, retry));
  }

  /** Asks the scheduler whether the peer is still a member, unless it hears from a leader or has asked just now. */
  askWhetherMember(peer: Peer): void {
    this.#leaderWatch.askSoon(peer);
  }

  tick(peer: Peer): void {
    const retries = this.#retries;
    if (retries.length > 0) {
      this.#retries = [];
      for (const retry of retries) retry();
    }
    this.#untilReadRetry -= 1;
    if (this.#untilReadRetry <= 0) {
      this.#untilReadRetry = peer.context.config.heartbeatTicks;
      retryReads(peer);
    }
    this.#leaderWatch.tick(peer);
    this.commitWatch.tick(peer);
    this.boundaries.tick(peer);
    this.#machine.tick(peer);
    this.#relief.tick(peer);
    this.#untilLogGc -= 1;
    if (this.#untilLogGc <= 0) {
      this.#untilLogGc = this.#logGcTicks;
      this.#considerCompaction(peer);
    }
    this.#untilCheck -= 1;
    if (this.#untilCheck <= 0) {
      this.#untilCheck = this.#checkTicks;
      beginConsistencyCheck(peer);
    }
    this.#untilHeartbeat -= 1;
    if (this.#hasPending && peer.isLeader && pendingPeersOf(peer).length === 0) this.#isHeartbeatDue = true;
    if (this.#untilHeartbeat <= 0) {
      this.#untilHeartbeat = this.#heartbeatTicks;
      this.#isHeartbeatDue = true;
    }
    if (this.#isHeartbeatDue) this.heartbeatNow(peer);
  }

  /** The turn of a leader that hibernates, `ticks` after its last: a check of consistency that is due wakes the region. */
  visit(peer: Peer, ticks: number): void {
    this.heartbeatNow(peer);
    this.#untilCheck -= ticks;
    if (this.#untilCheck > 0 || !peer.context.consistency.hasRoom) return;
    this.#untilCheck = this.#checkTicks;
    peer.hibernation.wake(peer);
    beginConsistencyCheck(peer);
  }

  /** Tells the scheduler of the region, if this peer leads it. */
  heartbeatNow(peer: Peer): void {
    this.#isHeartbeatDue = false;
    this.#hasPending = false;
    if (!peer.isLeader || !peer.isInitialized) return;
    const heartbeat = regionHeartbeatOf(peer);
    this.#hasPending = heartbeat.pendingPeers.length > 0;
    peer.context.heartbeat(heartbeat);
    leaveJointSoon(peer);
  }

  /** Compacts at the next tick when the log has become too long meanwhile: an interval may see more than the limit. */
  noteApplied(peer: Peer): void {
    if (this.#untilLogGc > 1 && peer.isLeader && isLogTooLong(peer)) this.#untilLogGc = 1;
  }

  /** Has the entries deleted that an applied compaction has given up; asked again while the worker's queue is full. */
  collectLog(peer: Peer): void {
    const endIndex = peer.storage.firstIndex();
    if (endIndex <= this.#collectedIndex) return;
    const task = { regionId: peer.regionId, startIndex: this.#collectedIndex, endIndex };
    if (peer.context.scheduleLogGc(task)) this.#collectedIndex = endIndex;
  }

  #considerCompaction(peer: Peer): void {
    this.collectLog(peer);
    if (peer.isLeader) proposeCompaction(peer);
  }
}
