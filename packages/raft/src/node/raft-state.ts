import type { Logger, Random } from '@flotilla/runtime';
import type { RaftConfig } from '../config.ts';
import { RaftLog } from '../log/raft-log.ts';
import type { HardState, Message } from '../message.ts';
import { ReadIndexQueue } from '../read-index.ts';
import type { RaftStorage } from '../storage.ts';
import { ProgressTracker } from '../tracker/progress-tracker.ts';

/** What a node is in its term. */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What need not survive a crash: whom this node follows, and its role. */
export interface SoftState {
  /** The leader as this node knows it; 0 is none. */
  readonly leader: number;
  readonly role: Role;
}

/** A read that may be answered once the state machine has applied through `index`. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

/** What the core takes from the world. */
export interface RaftDeps {
  /** Draws election timeouts. */
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Everything one node knows. The modules of this folder are functions over it, one per role or duty.
 *
 * Invariant: `term` and `log.committed` never decrease; `vote` changes only with `term` or from 0.
 */
export class RaftState {
  readonly id: number;
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly tracker: ProgressTracker;
  readonly reads: ReadIndexQueue;
  readonly random: Random;
  readonly logger: Logger;

  role: Role = 'follower';
  term = 0;
  /** Whom this node voted for in `term`; 0 is nobody. */
  vote = 0;
  leader = 0;

  /** Ticks since the start. */
  ticks = 0;
  /** Ticks since the leader was last heard, or, on a leader, since the last quorum check. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Ticks after which this node campaigns; drawn anew at every change of role or term. */
  electionTimeout = 0;

  /** Ticks for which this node, restarted, still refuses votes. */
  quietTicks: number;

  /** The peer that leadership is being handed to; 0 is none. */
  transferee = 0;
  /** Whether somebody was told to campaign at once in this term: it may win within the lease. */
  leaseForfeited = false;
  /** Only one change of membership may be in the log and unapplied: its index is at most this one. */
  pendingConfIndex = 0;
  /** With `withholdRemovals`: members whose removal is committed, and where; what is applied no longer counts. */
  withheldRemovals: Map<number, number> | undefined;
  /** With `batchAppends`: whether followers are owed entries or a commit index, to be sent with the next Ready. */
  appendsDue = false;
  /** Payload bytes of this leader's own proposals that are not yet applied. */
  uncommittedBytes = 0;

  /** Messages that may leave at once. Handed over, and replaced, by each Ready. */
  outbox: Message[] = [];
  /** Messages that say something of this node's durable state: they leave when it is durable. */
  afterAppend: Message[] = [];
  readStates: ReadState[] = [];

  constructor(config: RaftConfig, storage: RaftStorage, deps: RaftDeps) {
    this.id = config.id;
    this.config = config;
    this.quietTicks = config.quietStartTicks;
    this.random = deps.random;
    this.logger = deps.logger;
    this.log = new RaftLog(storage, config.maxCommittedSizePerReady);
    this.tracker = new ProgressTracker(config.maxInflightMessages, config.maxInflightBytes);
    this.reads = new ReadIndexQueue(config.id);
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** Whether this node may campaign: a voter, and not in the middle of taking in a snapshot. */
  isPromotable(): boolean {
    return this.tracker.isVoter(this.id) && this.log.pendingSnapshot === undefined;
  }
}
