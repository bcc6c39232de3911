import { appendThread, applyThread, type Entry, type HardState, type Message, type Snapshot } from '../message.ts';
import { draftMessage, type MessageDraft } from '../message-draft.ts';
import type { RaftState, ReadState, SoftState } from './raft-state.ts';

/**
 * What is to be stored, sent and applied. Every array, entry and message is shared with the core and with other messages:
 * the caller keeps them as long as it likes and modifies none.
 *
 * Without asynchronous storage writes:
 * 1. Make `hardState`, `entries` and `snapshot` durable together, the snapshot first.
 * 2. Then send `messages`. A leader may send them before step 1 is done (thesis 10.2.1); a follower must not.
 * 3. Apply `snapshot`, then `committedEntries`, in order; hand each change of membership to `applyConfChange`.
 * 4. Call `advance`.
 *
 * With asynchronous storage writes `messages` says it all, and the other fields only say it again: a message to
 * `appendThread` is to be made durable, one to `applyThread` to be applied, each in order with those before it to the same
 * thread, and then its `responses` are sent; all others leave at once. There is no `advance`; the next Ready may be taken
 * while the work of this one is under way. Only the write of a snapshot waits for the other thread: it begins when
 * everything handed out to be applied before it has been.
 */
export interface Ready {
  /** Present when the leader or the own role has changed. Need not be stored. */
  readonly softState: SoftState | undefined;
  /** Present when it has changed. */
  readonly hardState: HardState | undefined;
  /** Reads to answer once the state machine has applied through their index. */
  readonly readStates: readonly ReadState[];
  /** To be stored behind, or in place of, what storage has. */
  readonly entries: readonly Entry[];
  /** To replace the stored log and the state machine. */
  readonly snapshot: Snapshot | undefined;
  /** To be applied. */
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /**
   * Whether the write must be durable, rather than only in order, before answers leave: it holds entries, a term or a
   * vote. A commit index alone may be lost in a crash. A snapshot must always be durable.
   */
  readonly mustSync: boolean;
}

const noMessages: readonly Message[] = Object.freeze([]);
const noReadStates: readonly ReadState[] = Object.freeze([]);

/** What has been told of a node's state, so that only changes are. */
export class ReadyBuilder {
  readonly #raft: RaftState;
  #leader: number;
  #role: SoftState['role'];
  #hardState: HardState;
  /** Without asynchronous storage writes: what `advance` steps, or undefined when no Ready is out. */
  #onAdvance: readonly Message[] | undefined;

  constructor(raft: RaftState) {
    this.#raft = raft;
    this.#leader = raft.leader;
    this.#role = raft.role;
    this.#hardState = raft.hardState();
  }

  /** Whether a Ready has been taken and not been advanced past. */
  get isOut(): boolean {
    return this.#onAdvance !== undefined;
  }

  hasReady(): boolean {
    const raft = this.#raft;
    return (
      raft.outbox.length > 0 ||
      raft.afterAppend.length > 0 ||
      this.#softStateChanged() ||
      this.#hardStateChanged() ||
      raft.log.hasNextUnstable() ||
      raft.log.hasNextCommitted(!raft.config.asyncStorageWrites) ||
      raft.readStates.length > 0 ||
      raft.reads.roundDue ||
      raft.appendsDue
    );
  }

  /** Everything since the last Ready, taken to be handed out. */
  take(): Ready {
    const raft = this.#raft;
    const isAsync = raft.config.asyncStorageWrites;
    const hardState = this.#hardStateChanged() ? raft.hardState() : undefined;
    const entries = raft.log.nextUnstableEntries();
    const snapshot = raft.log.nextUnstableSnapshot();
    const committedEntries = raft.log.nextCommitted(!isAsync);
    const work = { hardState, entries, snapshot, committedEntries };
    const ready: Ready = {
      softState: this.#softStateChanged() ? { leader: raft.leader, role: raft.role } : undefined,
      ...work,
      readStates: raft.readStates.length > 0 ? raft.readStates : noReadStates,
      messages: isAsync ? this.#withStorageMessages(work) : this.#withAnswers(),
      mustSync: entries.length > 0 || (hardState !== undefined && this.#differsInTermOrVote(hardState)),
    };
    if (!isAsync) this.#onAdvance = this.#stepsOnAdvance(work);
    this.#accept(ready);
    return ready;
  }

  /** The messages to step now that the work of the last Ready is done. */
  advance(): readonly Message[] {
    const messages = this.#onAdvance ?? noMessages;
    this.#onAdvance = undefined;
    return messages;
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    this.#leader = raft.leader;
    this.#role = raft.role;
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    if (raft.outbox.length > 0) raft.outbox = [];
    if (raft.afterAppend.length > 0) raft.afterAppend = [];
    if (raft.readStates.length > 0) raft.readStates = [];
    raft.log.acceptUnstable();
    if (ready.committedEntries.length > 0) {
      raft.log.acceptCommitted(ready.committedEntries, !raft.config.asyncStorageWrites);
    }
  }

  /** Messages that leave at once, then the storage work of this Ready. */
  #withStorageMessages(work: Work): readonly Message[] {
    const raft = this.#raft;
    const messages = raft.outbox;
    if (
      work.hardState !== undefined ||
      work.entries.length > 0 ||
      work.snapshot !== undefined ||
      raft.afterAppend.length > 0
    ) {
      messages.push(this.#storageAppend(work));
    }
    if (work.committedEntries.length > 0) messages.push(this.#storageApply(work.committedEntries));
    return handedOut(messages);
  }

  /** Messages that leave at once, then answers to others; those to itself are stepped by `advance`. */
  #withAnswers(): readonly Message[] {
    const raft = this.#raft;
    const messages = raft.outbox;
    for (const message of raft.afterAppend) if (message.to !== raft.id) messages.push(message);
    return handedOut(messages);
  }

  #stepsOnAdvance(work: Work): readonly Message[] {
    const raft = this.#raft;
    const steps = raft.afterAppend.filter((message) => message.to === raft.id);
    if (this.#needsAppendResponse(work)) steps.push(this.#appendResponse(work));
    if (work.committedEntries.length > 0) steps.push(this.#applyResponse(work.committedEntries));
    return steps;
  }

  #storageAppend(work: Work): Message {
    const raft = this.#raft;
    const message = draftMessage('MsgStorageAppend', appendThread);
    message.from = raft.id;
    message.entries = work.entries;
    message.snapshot = work.snapshot;
    if (work.hardState !== undefined) {
      message.term = work.hardState.term;
      message.vote = work.hardState.vote;
      message.commit = work.hardState.commit;
    }
    const responses = raft.afterAppend;
    if (this.#needsAppendResponse(work)) responses.push(this.#appendResponse(work));
    message.responses = handedOut(responses);
    return message;
  }

  #storageApply(entries: readonly Entry[]): Message {
    const message = draftMessage('MsgStorageApply', applyThread);
    message.from = this.#raft.id;
    message.entries = entries;
    message.responses = [this.#applyResponse(entries)];
    return message;
  }

  /**
   * A write without entries of its own is answered too while any are on their way: the answer to an earlier write may be
   * ignored because the term has changed since, and this one then stands for it.
   */
  #needsAppendResponse(work: Work): boolean {
    return work.snapshot !== undefined || this.#raft.log.hasUnstableEntries();
  }

  #appendResponse(work: Work): Message {
    const raft = this.#raft;
    const message: MessageDraft = draftMessage('MsgStorageAppendResp', raft.id);
    message.from = appendThread;
    message.term = raft.term;
    message.snapshot = work.snapshot;
    if (raft.log.hasUnstableEntries()) {
      message.index = raft.log.lastIndex();
      message.logTerm = raft.log.lastTerm();
    }
    return message;
  }

  #applyResponse(entries: readonly Entry[]): Message {
    const message = draftMessage('MsgStorageApplyResp', this.#raft.id);
    message.from = applyThread;
    message.entries = entries;
    return message;
  }

  #softStateChanged(): boolean {
    return this.#raft.leader !== this.#leader || this.#raft.role !== this.#role;
  }

  #hardStateChanged(): boolean {
    return this.#raft.log.committed !== this.#hardState.commit || this.#differsInTermOrVote(this.#raft);
  }

  #differsInTermOrVote(state: { readonly term: number; readonly vote: number }): boolean {
    return state.term !== this.#hardState.term || state.vote !== this.#hardState.vote;
  }
}

/** An array to hand out. An empty one stays in use here, so it must not be the one that the caller keeps. */
function handedOut(messages: readonly Message[]): readonly Message[] {
  return messages.length > 0 ? messages : noMessages;
}

type Work = Pick<Ready, 'hardState' | 'entries' | 'snapshot' | 'committedEntries'>;
