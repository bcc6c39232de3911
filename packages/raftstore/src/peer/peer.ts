import { metapb, type raft_serverpb } from '@flotilla/protocol';
import { appendThread, applyThread, type Message, type RawNode, type Role } from '@flotilla/raft';
import { type Logger, unreachable } from '@flotilla/runtime';
import type { ApplyResult } from '../apply/message.ts';
import { Hibernation } from '../hibernation/hibernation.ts';
import { wakeFor } from '../hibernation/waking.ts';
import type { MachineLeadership } from '../machine/region-machine.ts';
import { toWireMessage } from '../raft-message.ts';
import type { PeerMessage } from '../raft-worker/message.ts';
import { findPeer, isInitialized } from '../region.ts';
import { failed, outcomeUnknown, regionNotFound, serverIsBusy } from '../region-error.ts';
import type { RegionTaskResult } from '../region-worker/message.ts';
import type { SnapshotKey } from '../snapshot/snapshot-key.ts';
import { handleApplied } from './apply-follow-up.ts';
import { handleCommand } from './command-proposer.ts';
import { handleHashComputed } from './consistency-check.ts';
import { handleNoMember, handleRaftMessage } from './incoming-message.ts';
import { OutstandingApply } from './outstanding-apply.ts';
import type { PeerContext } from './peer-context.ts';
import type { PeerStorage } from './peer-storage.ts';
import { PeerTicker } from './peer-ticker.ts';
import { ProposalQueue } from './proposal-queue.ts';
import { beginReadRound, failReads } from './read-admission.ts';
import { runRead } from './read-command.ts';
import { leaseMsOf, ReadLease } from './read-lease.ts';
import { ReadQueue } from './read-queue.ts';
import { RegionFlow } from './region-flow.ts';
import type { SnapshotInstall } from './snapshot-install.ts';
import { advanceInstall, beginInstall, discardInstall, failInstall, resumeInstall } from './snapshot-installer.ts';
import { askForSnapshot } from './snapshot-request.ts';
import type { SnapshotSource } from './snapshot-source.ts';
import { SplitCheck } from './split-check.ts';
import { followSplit } from './split-follow-up.ts';
import { prepareSplit } from './split-preparation.ts';

/** What a peer begins with. */
export interface PeerOptions {
  readonly context: PeerContext;
  readonly meta: metapb.Peer;
  /** Without peers while the region's range and members are not known. */
  readonly region: metapb.Region;
  readonly storage: PeerStorage;
  readonly node: RawNode;
  readonly appliedIndex: number;
  readonly snapshotSource: SnapshotSource;
}

/**
 * One replica of one region: the raft node, its storage, and the commands that wait for it. Every method runs in the raft
 * worker's loop and returns at once; what takes time is sent to others and comes back as a message.
 */
export class Peer {
  readonly context: PeerContext;
  readonly node: RawNode;
  readonly storage: PeerStorage;
  readonly proposals = new ProposalQueue();
  readonly reads: ReadQueue;
  /** `undefined` where reads are always confirmed by a round. */
  readonly lease: ReadLease | undefined;
  readonly logger: Logger;
  readonly outstanding: OutstandingApply;
  readonly ticker: PeerTicker;
  readonly flow: RegionFlow;
  readonly hibernation: Hibernation;
  readonly splitCheck: SplitCheck;
  readonly snapshotSource: SnapshotSource;
  /** Other peers as their messages introduced them, before the region lists them. */
  readonly introduced = new Map<number, metapb.Peer>();
  /** The latest conf_ver of those who sent messages here while the region was not known: this peer is a member in it. */
  introducedConfVer = 0;
  appliedIndex: number;
  /** The term of the entry applied last since the start; 0 before the first. */
  appliedTerm = 0;
  install: SnapshotInstall | undefined;
  /** Set when the peer is to go: it takes part in nothing any more. */
  isDestroying = false;
  #region: metapb.Region;
  #meta: metapb.Peer;
  /** Whether the region's leader is this peer, as of the last Ready. */
  #isLeader = false;
  #leaderId = 0;
  #term = 0;

  constructor(options: PeerOptions) {
    this.context = options.context;
    this.#meta = options.meta;
    this.#region = options.region;
    this.storage = options.storage;
    this.appliedIndex = options.appliedIndex;
    this.snapshotSource = options.snapshotSource;
    this.node = options.node;
    this.logger = options.context.logger.child({ regionId: options.region.id, peerId: options.meta.id });
    this.outstanding = new OutstandingApply(options.context, options.region.id);
    this.flow = new RegionFlow(options.context.runtime.clock.monotonicMs());
    this.ticker = new PeerTicker(options.context.config, options.region.id);
    this.splitCheck = new SplitCheck(options.context.config);
    const { config, runtime } = options.context;
    this.hibernation = new Hibernation(config);
    this.reads = new ReadQueue(
      runtime.random.fork(`reads ${options.region.id} ${options.meta.id}`).integer(0, 2 ** 32),
    );
    this.lease = config.leaseReads ? new ReadLease(leaseMsOf(config)) : undefined;
  }

  get regionId(): number {
    return this.#region.id;
  }

  /** The region as applied here; without peers while its range and members are not known. */
  get region(): metapb.Region {
    return this.#region;
  }

  set region(region: metapb.Region) {
    this.#region = region;
    this.#meta = findPeer(region, this.#meta.id) ?? this.#meta;
  }

  /** This peer, in the role that the region gives it. */
  get meta(): metapb.Peer {
    return this.#meta;
  }

  get isInitialized(): boolean {
    return isInitialized(this.region);
  }

  get isLeader(): boolean {
    return this.node.isLeader;
  }

  /** The region's leader, when this peer knows one and where it is. */
  get leader(): metapb.Peer | undefined {
    return this.node.leader === 0 ? undefined : this.findPeer(this.node.leader);
  }

  get term(): number {
    return this.node.term;
  }

  /** Held once an entry of the leader's own term is applied, and so everything that others had committed before. */
  get leadership(): MachineLeadership | undefined {
    return this.isLeader && this.appliedTerm === this.term ? { term: this.term } : undefined;
  }

  /** A member of the region, or a peer that has introduced itself. */
  findPeer(peerId: number): metapb.Peer | undefined {
    return findPeer(this.region, peerId) ?? this.introduced.get(peerId);
  }

  handle(message: PeerMessage): void {
    if (this.hibernation.isAsleep && !this.isDestroying) wakeFor(this, message);
    switch (message.type) {
      case 'raftCommand':
        this.#noteWait(message.receivedAtMs);
        if (this.isDestroying) message.reply(failed(regionNotFound(this.regionId)));
        else handleCommand(this, message.request, message.reply);
        return;
      case 'raftMessage':
        if (!this.isDestroying) handleRaftMessage(this, message.message);
        return;
      case 'start':
        this.#start();
        return;
      case 'logPersisted':
        this.#logPersisted(message.peerId, message.message);
        return;
      case 'applied':
        this.#applied(message.result);
        return;
      case 'logReset':
        if (message.peerId === this.meta.id) advanceInstall(this, 'resetLog');
        return;
      case 'regionTaskDone':
        this.#regionTaskDone(message.result);
        return;
      case 'splitRegion':
        prepareSplit(this, message.regionEpoch, message.splitKeys, message.reply);
        return;
      case 'splitCheckDone':
        if (!this.isDestroying) this.splitCheck.done(this, message.result);
        return;
      case 'snapshotStatus':
        // Its files are of no use to anybody: the next one who needs a snapshot has one generated.
        if (message.outcome === 'damaged') this.snapshotSource.forget();
        this.node.reportSnapshot(message.toPeerId, message.outcome === 'delivered' ? 'finished' : 'failed');
        return;
      case 'unreachable':
        this.node.reportUnreachable(message.toPeerId);
        return;
      case 'gcSnapshot':
        this.#collectSnapshots(message.keys);
        return;
      case 'hashComputed':
        if (!this.isDestroying) handleHashComputed(this, message.index, message.hash);
        return;
      case 'noMember':
        handleNoMember(this, message.peerId, message.confVer);
        return;
      case 'rangeWanted':
        if (!this.isDestroying) this.ticker.askWhetherMember(this);
        return;
      case 'logDestroyed':
        if (message.peerId === this.meta.id) this.context.peerGone(this);
        return;
      default:
        unreachable(message, 'peer message');
    }
  }

  /** A base tick has passed. */
  tick(): void {
    if (this.isDestroying) return;
    // A region that is neither old nor new must not be led from here.
    if (!this.isResuming) this.node.tick();
    this.ticker.tick(this);
    this.splitCheck.tick(this);
    this.hibernation.tick(this);
  }

  /** Turns what the core has decided since the last time into effects. Called once per loop for each touched peer. */
  handleReady(): void {
    if (this.isDestroying) return;
    if (this.install === undefined) this.context.claimedRegions.delete(this.regionId);
    const { clock } = this.context.runtime;
    if (!this.reads.isEmpty) beginReadRound(this, () => clock.monotonicMs());
    if (!this.node.hasReady()) return;
    const ready = this.node.ready();
    // The time before the messages leave.
    if (ready.messages.length > 0) this.lease?.noteSent(this.node, clock.monotonicMs());
    for (const message of ready.messages) this.#emit(message);
    for (const { context, index } of ready.readStates) this.reads.confirm(context, index);
    if (ready.softState !== undefined) this.#followRole(ready.softState.role);
    this.runReads();
  }

  /** Answers the reads whose index is applied. */
  runReads(): void {
    // While a snapshot is being taken in, the data are neither old nor new.
    if (this.reads.isEmpty || this.install !== undefined) return;
    const { metrics, runtime } = this.context;
    for (const read of this.reads.takeReady(this.appliedIndex)) {
      metrics.readDone(runtime.clock.monotonicMs() - read.receivedAtMs);
      read.reply(runRead(read.request, this));
    }
  }

  /** Hands the core a response that was waiting for storage, or sends it to the peer it is for. */
  deliver(message: Message): void {
    if (message.to === this.meta.id) this.node.step(message);
    else this.send(message);
  }

  /** Sends to another peer of the region; a message to one that nobody knows is dropped. */
  send(message: Message): void {
    const toPeer = this.findPeer(message.to);
    const wire = toWireMessage(message);
    if (toPeer === undefined || wire === undefined) return;
    // The range tells a store without this peer whether the peer it is asked to create would overlap another.
    const introduces = message.type === 'MsgVote' || message.type === 'MsgPreVote' || message.type === 'MsgHeartbeat';
    const raftMessage: raft_serverpb.RaftMessage = {
      regionId: this.regionId,
      fromPeer: this.meta,
      toPeer,
      message: wire,
      regionEpoch: this.region.regionEpoch,
      isTombstone: false,
      wantedSnapshotIndex: 0,
      startKey: introduces ? this.region.startKey : noKey,
      endKey: introduces ? this.region.endKey : noKey,
      extra: undefined,
    };
    if (message.type === 'MsgSnap') this.context.snapshots.send(raftMessage);
    else this.context.send(raftMessage);
  }

  /**
   * Begins the end of this peer: the tombstone first, then the log, then the data. `finalEpoch` is the epoch in which it is a
   * member no more, when it learned that from others.
   */
  destroy(reason: string, finalEpoch?: metapb.RegionEpoch): void {
    if (this.isDestroying) return;
    this.isDestroying = true;
    this.logger.info('destroying the peer', { reason });
    for (const read of this.reads.drain()) read.reply(failed(regionNotFound(this.regionId)));
    for (const { reply } of this.proposals.drain()) reply(failed(outcomeUnknown('the peer was destroyed')));
    this.splitCheck.abandon(this, undefined);
    this.outstanding.abandon();
    if (this.context.regions.getById(this.regionId) !== undefined) this.context.regions.delete(this.regionId);
    // Until its deletion is queued, nothing may put other data there.
    if (this.isInitialized) this.context.claimedRegions.set(this.regionId, this.region);
    else this.context.claimedRegions.delete(this.regionId);
    this.install = undefined;
    this.context.apply({
      type: 'destroy',
      regionId: this.regionId,
      peerId: this.meta.id,
      region: this.#tombstoneRegion(),
      finalEpoch,
    });
  }

  #collectSnapshots(keys: readonly SnapshotKey[]): void {
    const useless = this.context.snapshots.useless(keys, this.storage.truncated.index);
    if (useless.some((key) => key.direction === 'gen' && key.index === this.snapshotSource.index)) {
      this.snapshotSource.forget();
    }
    this.context.snapshots.collect(useless);
  }

  #regionTaskDone(result: RegionTaskResult): void {
    switch (result.type) {
      case 'generated':
        this.snapshotSource.generated(result);
        return;
      case 'applied':
        // A task of an earlier peer of this region may end here.
        if (result.index === this.install?.index) advanceInstall(this, 'replaceData');
        return;
      case 'damaged':
        discardInstall(this, result);
        return;
      case 'destroyed':
        return;
      case 'failed':
        if (result.task === 'generate') this.snapshotSource.failed();
        else if (result.task === 'apply') failInstall(this, result);
        return;
      default:
        unreachable(result, 'region task result');
    }
  }

  /** A peer that never knew its region leaves its own id behind, so that no message brings it back. */
  #tombstoneRegion(): metapb.Region {
    return this.isInitialized ? this.region : { ...this.region, peers: [this.meta] };
  }

  /** Answers everything that waits, because the store closes or has failed. */
  abandon(reason: string): void {
    for (const read of this.reads.drain()) read.reply(failed(serverIsBusy(reason)));
    for (const { reply } of this.proposals.drain()) reply(failed(outcomeUnknown(reason)));
    this.splitCheck.abandon(this, reason);
    this.outstanding.abandon();
  }

  /** Whether the peer waits for a snapshot that a start found half taken in; the core does not know. */
  get isResuming(): boolean {
    return this.install !== undefined && this.install.message === undefined;
  }

  /** A region of one peer elects itself at once; others wait for whoever is quickest. */
  #start(): void {
    if (this.install?.isAwaiting === true) askForSnapshot(this);
    else if (this.install !== undefined) resumeInstall(this);
    else if (this.#isSoleVoter()) this.node.campaign();
  }

  #isSoleVoter(): boolean {
    const voters = this.region.peers.filter(({ role }) => role !== metapb.PeerRole.Learner);
    return voters.length === 1 && voters[0]?.id === this.meta.id;
  }

  #emit(message: Message): void {
    if (message.to === appendThread) this.append(message);
    else if (message.to === applyThread) this.outstanding.push(message.entries, this.proposals, message.responses);
    else this.send(message);
  }

  /** Queues a log write; while a snapshot is on its way in, it waits for that. */
  append(message: Message): void {
    if (this.install !== undefined && (!this.install.isAwaiting || message.snapshot === undefined)) {
      this.install.held.push(message);
      return;
    }
    if (message.snapshot !== undefined) {
      beginInstall(this, message);
      return;
    }
    const { term, vote, commit } = message;
    const before = this.storage.hardState;
    const changesVote = term !== 0 && (term !== before.term || vote !== before.vote);
    const mustWrite = changesVote || message.entries.length > 0;
    if (!mustWrite) {
      // A commit index may be lost: it goes to disk with the next entries, and what is applied says how far it was at least.
      if (term !== 0) this.storage.followCommit(commit);
      if (message.responses.length === 0) return;
    }
    const effect = { type: 'logPersisted', peerId: this.meta.id, message } as const;
    this.context.logWriter.add({ regionId: this.regionId, message: effect }, mustWrite, (batch) => {
      if (mustWrite) this.storage.append(batch, message.entries, { term, vote, commit });
    });
  }

  #logPersisted(peerId: number, message: Message): void {
    if (peerId !== this.meta.id || this.isDestroying) return;
    const last = message.entries.at(-1);
    if (last !== undefined) this.storage.persisted(last.index, last.term);
    for (const response of message.responses) this.deliver(response);
  }

  #applied(result: ApplyResult): void {
    switch (result.type) {
      case 'applied':
        this.outstanding.settle(result.entryBytes);
        if (!this.isDestroying) handleApplied(this, result);
        else for (const change of result.changes) if (change.type === 'split') followSplit(this, change);
        return;
      case 'snapshotBegun':
        advanceInstall(this, 'begin');
        return;
      case 'snapshotFinished':
        advanceInstall(this, 'finish');
        return;
      case 'tombstoned':
        if (result.peerId === this.meta.id) this.#destroyLog();
        return;
      default:
        unreachable(result, 'apply result');
    }
  }

  #destroyLog(): void {
    const effect = { type: 'logDestroyed', peerId: this.meta.id } as const;
    this.context.logWriter.add({ regionId: this.regionId, message: effect }, true, (batch) =>
      this.storage.destroy(batch),
    );
  }

  /** A command has been taken from the mailbox. */
  #noteWait(receivedAtMs: number | undefined): void {
    if (receivedAtMs === undefined) return;
    const { metrics, runtime } = this.context;
    metrics.propose.record(runtime.clock.monotonicMs() - receivedAtMs);
  }

  #followRole(role: Role): void {
    if (role === 'preCandidate') this.context.metrics.campaigns += 1;
    const { isLeader, term } = this;
    const leaderId = this.node.leader;
    if (isLeader === this.#isLeader && leaderId === this.#leaderId && term === this.#term) return;
    const gained = isLeader && !this.#isLeader;
    this.#isLeader = isLeader;
    this.#leaderId = leaderId;
    this.#term = term;
    if (this.hibernation.isAsleep) this.hibernation.wake(this);
    if (!isLeader && !this.reads.isEmpty) failReads(this);
    this.context.leadershipChanged({ regionId: this.regionId, term, leader: this.leader, isLocal: isLeader });
    if (!gained) return;
    this.context.metrics.electionsWon += 1;
    this.ticker.heartbeatSoon();
    this.ticker.boundaries.ask(this);
  }
}

const noKey = new Uint8Array(0);
