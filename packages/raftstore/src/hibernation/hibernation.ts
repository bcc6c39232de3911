import { metapb, raft_serverpb } from '@flotilla/protocol';
import { unreachable } from '@flotilla/runtime';
import { type RaftStoreConfig, ticksOf } from '../config.ts';
import { compactBeforeSleep } from '../peer/log-compaction.ts';
import type { Peer } from '../peer/peer.ts';

const { ExtraMessageType } = raft_serverpb;

/** A sleeping follower wakes by itself after this many intervals: it may have been removed without hearing of it. */
const intervalsUntilCheck = 10;

/** How much longer than others a region stays awake, at most, that was woken again and again soon after it slept. */
const maxPatience = 16;

/**
 * Whether a peer ticks. A region hibernates when it has been idle for a while and every member on a store that is alive
 * agrees that nothing is under way and that all have applied the same index; then nobody ticks, and nobody campaigns.
 *
 * Sleeping is never unsafe: a peer that does not tick keeps to its term, its vote and its leader, and a lease ends by the
 * clock. What it could miss is that its leader is gone. That the stores tell each other: see `StoreLiveness`.
 */
export class Hibernation {
  isAsleep = false;
  readonly #afterTicks: number;
  readonly #retryTicks: number;
  #idleTicks = 0;
  #lastIndex = 0;
  /** Members that have agreed to the request under way. */
  #agreed: Set<number> | undefined;
  /** The next index after the log was compacted for sleep: only the compaction itself has been written since. */
  #compactedIndex = 0;
  /** The time to be idle for, as a multiple of what is configured. */
  #patience = 1;
  #sleptAtMs = 0;
  #visitedAtMs = 0;

  constructor(config: RaftStoreConfig) {
    this.#afterTicks = config.hibernateAfterMs === 0 ? 0 : ticksOf(config, config.hibernateAfterMs);
    this.#retryTicks = config.electionTicks;
  }

  /** Notes that somebody uses the region. */
  noteUse(): void {
    this.#idleTicks = 0;
    this.#agreed = undefined;
  }

  /** A tick of a peer that is awake: a leader asks its members once the region has been idle for long enough. */
  tick(peer: Peer): void {
    if (this.#afterTicks === 0) return;
    const { isLeader, lastIndex } = peer.node;
    if (!isLeader || lastIndex !== this.#lastIndex || !peer.reads.isEmpty || peer.proposals.length > 0) {
      this.#lastIndex = lastIndex;
      this.noteUse();
      return;
    }
    this.#idleTicks += 1;
    const overTicks = this.#idleTicks - this.#afterTicks * this.#patience;
    if (overTicks < 0 || overTicks % this.#retryTicks !== 0 || hasMachine(peer)) return;
    if (lastIndex !== this.#compactedIndex && compactBeforeSleep(peer)) this.#compactedIndex = lastIndex + 1;
    else this.#request(peer);
  }

  /** Takes in what another member says. */
  handle(peer: Peer, from: metapb.Peer, extra: raft_serverpb.ExtraMessage): void {
    switch (extra.type) {
      case ExtraMessageType.HibernateRequest:
        if (mayFollowToSleep(peer, from, extra)) send(peer, from, ExtraMessageType.HibernateAgree);
        return;
      case ExtraMessageType.HibernateAgree:
        this.#agree(peer, from, extra);
        return;
      case ExtraMessageType.HibernateSleep:
        if (mayFollowToSleep(peer, from, extra)) this.#sleep(peer);
        return;
      case ExtraMessageType.WakeUp:
        if (this.isAsleep) this.wake(peer);
        return;
      case ExtraMessageType.StoreAlive:
      case ExtraMessageType.None:
        return;
      default:
        unreachable(extra.type, 'extra message type');
    }
  }

  /**
   * Ticks on: a leader tells its members by a heartbeat, any other tells its leader, unless `isLeaderLost`: then it has
   * heard nothing for an election timeout, and says so to its core.
   */
  wake(peer: Peer, isLeaderLost = false): void {
    this.isAsleep = false;
    this.#learnPatience(peer);
    this.noteUse();
    peer.node.resume(isLeaderLost ? peer.context.config.electionTicks : 0);
    const { leader } = peer;
    if (peer.isLeader || isLeaderLost || leader === undefined) return;
    send(peer, leader, ExtraMessageType.WakeUp);
  }

  /** A sleeping peer's turn, from time to time: a leader tells the scheduler that the region is well, and how large. */
  visit(peer: Peer): void {
    const { config, runtime } = peer.context;
    const nowMs = runtime.clock.monotonicMs();
    const sinceMs = nowMs - this.#visitedAtMs;
    this.#visitedAtMs = nowMs;
    if (peer.isLeader) {
      peer.splitCheck.measureUnknown(peer);
      peer.ticker.visit(peer, sinceMs / config.tickIntervalMs);
    } else if (nowMs - this.#sleptAtMs >= intervalsUntilCheck * config.idleRegionHeartbeatIntervalMs) {
      this.wake(peer);
    }
  }

  /**
   * Sleep that ends before it has lasted as long as the time awake before it was not worth its while: the next time the
   * region is to be idle for twice as long. So one that is woken again and again, by its use or by a member that is cut off
   * from its leader, costs no more than one that is kept awake.
   */
  #learnPatience(peer: Peer): void {
    const { config, runtime } = peer.context;
    const isShort = runtime.clock.monotonicMs() - this.#sleptAtMs < config.hibernateAfterMs * this.#patience;
    this.#patience = isShort ? Math.min(this.#patience * 2, maxPatience) : 1;
  }

  #request(peer: Peer): void {
    const members = liveMembersOf(peer);
    if (members === undefined || !mayLeadToSleep(peer, members)) return;
    this.#agreed = new Set();
    if (members.length === 0) this.#sleep(peer);
    for (const member of members) send(peer, member, ExtraMessageType.HibernateRequest);
  }

  #agree(peer: Peer, from: metapb.Peer, extra: raft_serverpb.ExtraMessage): void {
    const agreed = this.#agreed;
    if (agreed === undefined || !isOfThisState(peer, extra)) return;
    agreed.add(from.id);
    const members = liveMembersOf(peer);
    if (members === undefined || members.some(({ id }) => !agreed.has(id)) || !mayLeadToSleep(peer, members)) return;
    for (const member of members) send(peer, member, ExtraMessageType.HibernateSleep);
    this.#sleep(peer);
  }

  #sleep(peer: Peer): void {
    this.isAsleep = true;
    this.#agreed = undefined;
    this.#sleptAtMs = peer.context.runtime.clock.monotonicMs();
    this.#visitedAtMs = this.#sleptAtMs;
    peer.ticker.collectLog(peer);
    for (const { storeId } of peer.region.peers) {
      if (storeId !== peer.context.storeId) peer.context.liveness.watch(storeId);
    }
  }
}

/** A machine lives by its ticks; and a region that spans one is to be split. */
function hasMachine({ context, region }: Peer): boolean {
  return context.machines.kinds.overlaps(region);
}

/** The other members on stores that are alive; `undefined` when they are too few to elect a leader. */
function liveMembersOf(peer: Peer): metapb.Peer[] | undefined {
  const { peers } = peer.region;
  const live = peers.filter(({ id, storeId }) => id !== peer.meta.id && !peer.context.liveness.isSilent(storeId));
  const isVoter = ({ role }: metapb.Peer): boolean => role === metapb.PeerRole.Voter;
  return (live.filter(isVoter).length + 1) * 2 > peers.filter(isVoter).length ? live : undefined;
}

/** Nothing is under way, and everything in the log is committed and applied. */
function isAtRest(peer: Peer): boolean {
  const { node } = peer;
  const { lastIndex } = node;
  return (
    peer.isInitialized &&
    !peer.isDestroying &&
    peer.install === undefined &&
    peer.reads.isEmpty &&
    peer.proposals.length === 0 &&
    peer.outstanding.isIdle &&
    node.commit === lastIndex &&
    node.applied === lastIndex &&
    peer.appliedIndex === lastIndex &&
    peer.region.peers.every(({ role }) => role === metapb.PeerRole.Voter || role === metapb.PeerRole.Learner)
  );
}

function mayFollowToSleep(peer: Peer, from: metapb.Peer, extra: raft_serverpb.ExtraMessage): boolean {
  return !peer.isLeader && peer.node.leader === from.id && isOfThisState(peer, extra) && isAtRest(peer);
}

/** A leader that has proved to have caught up every member that is asked. */
function mayLeadToSleep(peer: Peer, members: readonly metapb.Peer[]): boolean {
  if (!peer.isLeader || !isAtRest(peer) || !peer.splitCheck.isSettled) return false;
  const { lastIndex, progress, transferee } = peer.node.status();
  if (transferee !== 0) return false;
  const matches = new Map(progress.map(({ id, match }) => [id, match]));
  return members.every(({ id }) => matches.get(id) === lastIndex);
}

function isOfThisState(peer: Peer, extra: raft_serverpb.ExtraMessage): boolean {
  return extra.term === peer.term && extra.index === peer.node.lastIndex;
}

function send(peer: Peer, toPeer: metapb.Peer, type: raft_serverpb.ExtraMessageType): void {
  peer.context.send(
    raft_serverpb.RaftMessage.create({
      regionId: peer.regionId,
      fromPeer: peer.meta,
      toPeer,
      regionEpoch: peer.region.regionEpoch,
      extra: raft_serverpb.ExtraMessage.create({ type, term: peer.term, index: peer.node.lastIndex }),
    }),
  );
}
