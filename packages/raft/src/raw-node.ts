import { assert } from '@flotilla/runtime';
import { type ConfChange, type ConfChangeEntryType, encodeConfChange } from './confchange/conf-change.ts';
import { type RaftConfig, resolveRaftConfig } from './config.ts';
import type { ConfState, HardState, Message } from './message.ts';
import { draftMessage } from './message-draft.ts';
import { isLocalType, isResponseType, isStorageThread } from './message-kind.ts';
import { isWellFormed } from './message-shape.ts';
import { heartbeat } from './node/leader.ts';
import { applyConfChange } from './node/membership-change.ts';
import { type RaftDeps, RaftState, type Role } from './node/raft-state.ts';
import { acceptRead, beginReadRound, draftReadRequest, mayUseLease, readContext } from './node/reading.ts';
import { type Ready, ReadyBuilder } from './node/ready.ts';
import { sendDueAppends } from './node/replication.ts';
import { step, tick } from './node/step.ts';
import { becomeFollower } from './node/transition.ts';
import type { ProposeOutcome, ReadOutcome, StepOutcome } from './outcome.ts';
import { type BasicStatus, basicStatusOf, type Status, statusOf } from './status.ts';
import type { RaftStorage } from './storage.ts';
import { membershipOf } from './tracker/membership.ts';

/** What became of a snapshot that a leader sent. */
export type SnapshotStatus = 'finished' | 'failed';

/**
 * One raft node, driven from outside: `tick` and `step` put something in, `ready` says what is to be done.
 *
 * Synchronous, deterministic, without I/O. Not re-entrant: no method may be called from a `RaftStorage` or `Logger` that a
 * method is calling.
 */
export class RawNode {
  readonly #raft: RaftState;
  readonly #ready: ReadyBuilder;

  /**
   * Starts as a follower from what storage has.
   *
   * @throws {RaftConfigError} when the configuration cannot be used.
   * @throws {InvariantError} when what storage has does not fit together.
   */
  constructor(config: Partial<RaftConfig> & { readonly id: number }, storage: RaftStorage, deps: RaftDeps) {
    const raft = new RaftState(resolveRaftConfig(config), storage, deps);
    const { hardState, confState } = storage.initialState();
    const lastIndex = raft.log.lastIndex();
    raft.tracker.switchTo(membershipOf(confState), [], lastIndex);
    restoreHardState(raft, hardState);
    becomeFollower(raft, raft.term, 0);
    this.#raft = raft;
    this.#ready = new ReadyBuilder(raft);
  }

  get id(): number {
    return this.#raft.id;
  }

  get term(): number {
    return this.#raft.term;
  }

  /** The leader as this node knows it; 0 is none. */
  get leader(): number {
    return this.#raft.leader;
  }

  get role(): Role {
    return this.#raft.role;
  }

  get isLeader(): boolean {
    return this.#raft.role === 'leader';
  }

  get commit(): number {
    return this.#raft.log.committed;
  }

  get applied(): number {
    return this.#raft.log.applied;
  }

  get lastIndex(): number {
    return this.#raft.log.lastIndex();
  }

  /** Whether this node leads, or has heard from a leader within two election timeouts, which is longer than any campaign waits. */
  get hasLeader(): boolean {
    const { config, electionElapsed, leader, role } = this.#raft;
    return role === 'leader' || (leader !== 0 && electionElapsed < 2 * config.electionTick);
  }

  /** Whether a change of membership may be in the log and not applied: until it is, this leader takes no other. */
  get hasPendingConfChange(): boolean {
    return this.#raft.pendingConfIndex > this.#raft.log.applied;
  }

  /** Lets one tick pass. On an idle node, the increment of a counter or two. */
  tick(): void {
    tick(this.#raft);
  }

  /**
   * Takes up ticking after a time without. A leader sends heartbeats at once and gives its quorum a whole election timeout to
   * answer; any other has heard nothing from its leader for `silentTicks`.
   */
  resume(silentTicks: number): void {
    const raft = this.#raft;
    raft.electionElapsed = raft.role === 'leader' ? 0 : silentTicks;
    if (raft.role === 'leader') heartbeat(raft);
  }

  /** Campaigns now, if this node may. */
  campaign(): void {
    step(this.#raft, draftMessage('MsgHup', this.#raft.id));
  }

  /** Proposes `data`, which becomes the core's: an accepted proposal may still be lost. */
  propose(data: Uint8Array): ProposeOutcome {
    return this.#propose('normal', data) === 'ok' ? 'accepted' : 'proposalDropped';
  }

  /**
   * Proposes a change of membership, as an entry of `type`. Passed on to a leader elsewhere, it may be refused there: an
   * empty entry then stands in its place.
   *
   * @throws {InvariantError} when the change does not fit an entry of `type`.
   */
  proposeConfChange(change: ConfChange, type: ConfChangeEntryType = 'confChangeV2'): ProposeOutcome {
    const raft = this.#raft;
    const outcome = this.#propose(type, encodeConfChange(change, type));
    if (outcome !== 'ok') return 'proposalDropped';
    // An accepted change is the last entry that may be a pending one.
    const isRefused = raft.role === 'leader' && raft.pendingConfIndex !== raft.log.lastIndex();
    return isRefused ? 'confChangeRefused' : 'accepted';
  }

  /**
   * Puts a committed change of membership in force. To be called for each, in log order, when its entry is applied; one
   * that the application rejects is replaced by a change without effect (a step for node 0), never skipped.
   *
   * @returns the configuration to keep with the applied state.
   * @throws {InvariantError} when the change does not fit the present configuration.
   */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#raft, change);
  }

  /** Takes in a message from a peer, or from one of this node's storage threads. It becomes the core's. */
  step(message: Message): StepOutcome {
    if (!isStorageThread(message.from)) {
      if (isLocalType(message.type)) return 'stepLocalMessage';
      if (isResponseType(message.type) && this.#raft.tracker.progress(message.from) === undefined) {
        return 'stepPeerNotFound';
      }
    }
    if (!isWellFormed(message)) {
      this.#raft.logger.warn('malformed message ignored', { type: message.type, from: message.from });
      return 'stepMalformed';
    }
    return step(this.#raft, message);
  }

  /** Whether `ready` would bring anything. */
  hasReady(): boolean {
    return this.#ready.hasReady();
  }

  /**
   * Takes everything that is to be done.
   *
   * @throws {InvariantError} without asynchronous storage writes, when the Ready before has not been advanced past.
   */
  ready(): Ready {
    assert(!this.#ready.isOut, 'the Ready before has not been advanced past');
    sendDueAppends(this.#raft);
    beginReadRound(this.#raft);
    return this.#ready.take();
  }

  /**
   * Without asynchronous storage writes: says that the last Ready has been stored and applied.
   *
   * @throws {InvariantError} with asynchronous storage writes.
   */
  advance(): void {
    assert(!this.#raft.config.asyncStorageWrites, 'with asynchronous storage writes there is nothing to advance');
    for (const message of this.#ready.advance()) step(this.#raft, message);
  }

  /** Asks the leader, this node or another, to hand leadership to `id`. What comes of it shows in the soft state. */
  transferLeader(id: number): void {
    const message = draftMessage('MsgTransferLeader', this.#raft.id);
    message.from = id;
    step(this.#raft, message);
  }

  /**
   * Asks for an index at which a linearizable read may be made; `context`, which becomes the core's, comes back with it in
   * `Ready.readStates`. A read that is accepted may still get no answer, when leadership changes or a message is lost.
   *
   * `isLeaseHeld` is the caller's word that a quorum keeps silent towards other candidates at this moment: a leader then
   * answers without asking it, unless it knows of a reason not to rely on that.
   */
  readIndex(context: Uint8Array, isLeaseHeld = false): ReadOutcome {
    const raft = this.#raft;
    if (raft.role === 'leader') return acceptRead(raft, { from: raft.id, context }, isLeaseHeld);
    if (raft.leader === 0) return 'readDropped';
    const request = { ...draftReadRequest(raft.leader, context), from: raft.id };
    step(raft, request);
    return 'accepted';
  }

  /** Takes in a follower's `MsgReadIndex` as `step` does, with the caller's word on its lease. */
  stepReadRequest(message: Message, isLeaseHeld: boolean): StepOutcome {
    const raft = this.#raft;
    const context = readContext(message);
    if (!isLeaseHeld || context === undefined || !mayUseLease(raft)) return this.step(message);
    acceptRead(raft, { from: message.from, context }, true);
    return 'ok';
  }

  /** The last round of heartbeats that this node began as the leader of its term; 0 before the first. */
  get heartbeatRound(): number {
    return this.#raft.reads.round;
  }

  /** The last round that a quorum has answered, under the membership in force; 0 when none, or when this node does not lead. */
  get confirmedRound(): number {
    const { role, reads, tracker } = this.#raft;
    return role === 'leader' ? tracker.quorumOf(reads) : 0;
  }

  /** Says that messages to `id` are being lost: appends to it go one at a time until it answers. */
  reportUnreachable(id: number): void {
    const message = draftMessage('MsgUnreachable', this.#raft.id);
    message.from = id;
    step(this.#raft, message);
  }

  /** Says what became of the snapshot sent to `id`. Must be called for each: until then nothing else is sent there. */
  reportSnapshot(id: number, status: SnapshotStatus): void {
    const message = draftMessage('MsgSnapStatus', this.#raft.id);
    message.from = id;
    message.reject = status === 'failed';
    step(this.#raft, message);
  }

  /**
   * Follower: forgets the leader, so as to grant votes and pre-votes at once, without campaigning itself any sooner. For
   * one who knows that the leader is gone. Refused with lease-based reads.
   */
  forgetLeader(): void {
    step(this.#raft, draftMessage('MsgForgetLeader', this.#raft.id));
  }

  /** Replaces the drawn election timeout until the next one is drawn. For tests and scenarios. */
  overrideElectionTimeout(ticks: number): void {
    this.#raft.electionTimeout = ticks;
  }

  /** A copy of everything worth seeing. */
  status(): Status {
    return statusOf(this.#raft);
  }

  basicStatus(): BasicStatus {
    return basicStatusOf(this.#raft);
  }

  #propose(type: 'normal' | ConfChangeEntryType, data: Uint8Array): StepOutcome {
    const message = draftMessage('MsgProp', this.#raft.id);
    message.from = this.#raft.id;
    message.entries = [{ type, term: 0, index: 0, data }];
    return step(this.#raft, message);
  }
}

/**
 * Takes up what storage has. The commit index may have been stored less eagerly than what it speaks of: what a snapshot
 * covers, or has been applied, was committed.
 */
function restoreHardState(raft: RaftState, state: HardState): void {
  const { applied } = raft.config;
  const commit = Math.max(state.commit, applied, raft.log.committed);
  assert(commit <= raft.log.lastIndex(), 'storage lacks entries that were committed', {
    commit: state.commit,
    applied,
    lastIndex: raft.log.lastIndex(),
  });
  raft.term = state.term;
  raft.vote = state.vote;
  raft.log.commitTo(commit);
  if (applied > raft.log.applied) raft.log.appliedTo(applied, 0);
}
