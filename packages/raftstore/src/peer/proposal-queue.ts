import type { raft_cmdpb } from '@flotilla/protocol';
import type { Entry } from '@flotilla/raft';
import { assert } from '@flotilla/runtime';
import { failed, staleCommand } from '../region-error.ts';
import type { Reply } from '../reply.ts';

/** A command in the log that waits for its entry to be applied. */
export interface Proposal {
  readonly index: number;
  readonly term: number;
  /** The command as it was before encoding, so that the leader need not decode its own entries. */
  readonly request: raft_cmdpb.RaftCmdRequest;
  readonly reply: Reply;
  readonly proposedAtMs: number;
}

/**
 * Commands of one region that have been proposed and not applied.
 *
 * Proposals outlive their leader's term: whether an entry was overwritten is only known when its index, or an entry of a newer
 * term before it, is applied. The same term at its index means that it is the command's own entry, another term that the
 * command can never take effect.
 *
 * Invariant: indexes rise along the queue, so an index that is proposed again overwrites every entry from there on, and
 * what waits at those indexes can be answered at once.
 */
export class ProposalQueue {
  #waiting: Proposal[] = [];
  #head = 0;

  get length(): number {
    return this.#waiting.length - this.#head;
  }

  push(proposal: Proposal): void {
    this.#failFrom(proposal.index, proposal.term);
    this.#waiting.push(proposal);
  }

  /** Takes the proposals of `entries`, aligned with them; proposals whose place another entry took are answered. */
  take(entries: readonly Entry[]): readonly (Proposal | undefined)[] | undefined {
    if (this.length === 0) return undefined;
    let taken: (Proposal | undefined)[] | undefined;
    for (const [position, entry] of entries.entries()) {
      for (let next = this.#waiting[this.#head]; next !== undefined; next = this.#waiting[this.#head]) {
        // Behind an entry of a newer term there is none of an older, and in an idle region perhaps none at all.
        if (next.index > entry.index && next.term >= entry.term) break;
        this.#head += 1;
        if (next.index === entry.index && next.term === entry.term) {
          taken ??= new Array<Proposal | undefined>(entries.length).fill(undefined);
          taken[position] = next;
        } else {
          next.reply(failed(staleCommand(), entry.term));
        }
      }
    }
    this.#shrink();
    return taken;
  }

  /** Takes every proposal, or those up to `index`, for whoever knows how to answer them. */
  drain(upToIndex: number = Number.POSITIVE_INFINITY): Proposal[] {
    const left = this.#waiting.slice(this.#head);
    const drained = left.filter((proposal) => proposal.index <= upToIndex);
    this.#waiting = left.slice(drained.length);
    this.#head = 0;
    return drained;
  }

  #failFrom(index: number, term: number): void {
    for (let last = this.#waiting.at(-1); this.length > 0 && last !== undefined; last = this.#waiting.at(-1)) {
      if (last.index < index) break;
      assert(last.term < term, 'one term proposes an index once', { index, term });
      this.#waiting.pop();
      last.reply(failed(staleCommand(), term));
    }
  }

  #shrink(): void {
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}
