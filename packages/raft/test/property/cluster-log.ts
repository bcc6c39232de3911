import { assert } from '@flotilla/runtime';
import type { Entry } from '../../src/message.ts';

interface Written {
  readonly entry: Entry;
  /** Term of the entry before it. */
  readonly previousTerm: number;
}

/**
 * What the whole cluster has ever written, committed and led: the invariants of figure 3 of the raft paper, checked as
 * things happen.
 */
export class ClusterLog {
  /** By term and index: two entries of one term and index are the same, and so are their predecessors. */
  readonly #written: Map<string, Written> = new Map();
  readonly #committed: Entry[] = [];
  readonly #firstCommitted: number;
  readonly #leaders: Map<number, number> = new Map();

  /** @param before the index that the whole cluster starts behind. */
  constructor(before: number) {
    this.#firstCommitted = before + 1;
  }

  /** The last index known to be committed. */
  get lastCommitted(): number {
    return this.#firstCommitted + this.#committed.length - 1;
  }

  /** Log matching. */
  recordWritten(entry: Entry, previousTerm: number): void {
    const key = `${entry.term}/${entry.index}`;
    const known = this.#written.get(key);
    if (known === undefined) {
      this.#written.set(key, { entry, previousTerm });
      return;
    }
    assert(known.entry.type === entry.type && sameBytes(known.entry.data, entry.data), 'log matching: entries differ', {
      key,
    });
    assert(known.previousTerm === previousTerm, 'log matching: predecessors differ', { key });
  }

  /** State machine safety: one entry an index, for ever. */
  recordCommitted(entry: Entry): void {
    const position = entry.index - this.#firstCommitted;
    const known = this.#committed[position];
    if (known === undefined) {
      assert(position === this.#committed.length, 'a gap before a committed entry', { index: entry.index });
      this.#committed.push(entry);
      return;
    }
    assert(known.term === entry.term && sameBytes(known.data, entry.data), 'state machine safety', {
      index: entry.index,
      terms: [known.term, entry.term],
    });
  }

  /** Election safety. */
  recordLeader(term: number, id: number): boolean {
    const known = this.#leaders.get(term);
    assert(known === undefined || known === id, 'election safety: two leaders in a term', { term, ids: [known, id] });
    this.#leaders.set(term, id);
    return known === undefined;
  }

  /** Leader completeness: whoever wins holds everything committed so far. */
  checkComplete(id: number, firstIndex: number, termAt: (index: number) => number | undefined): void {
    for (let index = Math.max(firstIndex, this.#firstCommitted); index <= this.lastCommitted; index += 1) {
      const term = this.#committed[index - this.#firstCommitted]!.term;
      assert(termAt(index) === term, 'leader completeness', { id, index, term, found: termAt(index) ?? null });
    }
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
