import type { Entry, Message } from '@flotilla/raft';
import { failed, outcomeUnknown } from '../region-error.ts';
import type { PeerContext } from './peer-context.ts';
import type { Proposal, ProposalQueue } from './proposal-queue.ts';

/**
 * Committed entries of one peer between the core and the apply worker.
 *
 * One task is with the worker at a time and what the core hands out meanwhile joins the next, so a slow disk makes tasks
 * larger, not more numerous, and the worker's mailbox holds at most one for each peer.
 */
export class OutstandingApply {
  readonly #context: PeerContext;
  readonly #regionId: number;
  #isUnderWay = false;
  #entries: Entry[] = [];
  #proposals: (Proposal | undefined)[] | undefined;
  #responses: Message[] = [];
  /** When the first of the entries that wait was handed out. */
  #committedAtMs = 0;

  constructor(context: PeerContext, regionId: number) {
    this.#context = context;
    this.#regionId = regionId;
  }

  /** Whether everything handed out has been applied. */
  get isIdle(): boolean {
    return !this.#isUnderWay && this.#entries.length === 0;
  }

  /** Takes committed entries, with the proposals that made them and what the core wants to hear once they are applied. */
  push(entries: readonly Entry[], queue: ProposalQueue, responses: readonly Message[]): void {
    const proposals = queue.take(entries);
    const { metrics, runtime } = this.#context;
    const nowMs = runtime.clock.monotonicMs();
    if (this.#entries.length === 0) this.#committedAtMs = nowMs;
    for (const proposal of proposals ?? []) {
      if (proposal !== undefined) metrics.commit.record(nowMs - proposal.proposedAtMs);
    }
    if (proposals !== undefined || this.#proposals !== undefined) {
      this.#proposals ??= new Array<Proposal | undefined>(this.#entries.length).fill(undefined);
      this.#proposals.push(...(proposals ?? new Array<undefined>(entries.length).fill(undefined)));
    }
    this.#entries.push(...entries);
    this.#responses.push(...responses);
    this.#context.applyQueue.bytes += bytesOf(entries);
    if (!this.#isUnderWay) this.#hand();
  }

  /** Notes that the task under way is done, and hands over the next. */
  settle(entryBytes: number): void {
    this.#context.applyQueue.bytes -= entryBytes;
    this.#isUnderWay = false;
    if (this.#entries.length > 0) this.#hand();
  }

  /** Gives up what has not been handed over; nobody can tell whether other replicas applied it. */
  abandon(): void {
    for (const proposal of this.#proposals ?? []) proposal?.reply(failed(outcomeUnknown('the peer was destroyed')));
    this.#context.applyQueue.bytes -= bytesOf(this.#entries);
    this.#entries = [];
    this.#proposals = undefined;
    this.#responses = [];
  }

  #hand(): void {
    this.#isUnderWay = true;
    const [entries, proposals, responses] = [this.#entries, this.#proposals, this.#responses];
    this.#entries = [];
    this.#proposals = undefined;
    this.#responses = [];
    const [regionId, committedAtMs] = [this.#regionId, this.#committedAtMs];
    this.#context.apply({ type: 'apply', regionId, entries, proposals, responses, committedAtMs });
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.data.length, 0);
}
