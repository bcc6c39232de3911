import { assert } from '@flotilla/runtime';
import type { InputLine, InputPosition } from './line-reader.ts';

/** What became of a line: its record is acknowledged, it was malformed and skipped, or it held nothing. */
export type LineFate = 'written' | 'skipped' | 'blank';

/** One line that has been begun. */
export interface LineTicket {
  readonly line: number;
  readonly endOffset: number;
  fate: LineFate | undefined;
}

/** How far an input has been dealt with, and what was found on the way. */
export interface PrefixState extends InputPosition {
  readonly records: number;
  readonly skipped: number;
}

const keptTickets = 1024;

/**
 * Follows how far an input has been acknowledged without a gap, while its records are written concurrently.
 *
 * Invariant: every line up to `state` is settled; lines begin in the input's order.
 */
export class AcknowledgedPrefix {
  #state: PrefixState;
  #open: LineTicket[] = [];
  #head = 0;

  constructor(start: PrefixState) {
    this.#state = start;
  }

  /** The end of the longest settled prefix, and what it held. */
  get state(): PrefixState {
    return this.#state;
  }

  /** Lines begun behind the first one that is not settled, that one included. */
  get ahead(): number {
    return this.#open.length - this.#head;
  }

  begin(line: InputLine): LineTicket {
    const ticket: LineTicket = { line: line.number, endOffset: line.endOffset, fate: undefined };
    this.#open.push(ticket);
    return ticket;
  }

  settle(ticket: LineTicket, fate: LineFate): void {
    assert(ticket.fate === undefined, 'a line was settled twice', { line: ticket.line });
    ticket.fate = fate;
    let { line, offset, records, skipped } = this.#state;
    for (let next = this.#open[this.#head]; next?.fate !== undefined; next = this.#open[this.#head]) {
      line = next.line;
      offset = next.endOffset;
      if (next.fate === 'written') records += 1;
      if (next.fate === 'skipped') skipped += 1;
      this.#head += 1;
    }
    this.#state = { line, offset, records, skipped };
    // Dropping settled tickets now and then keeps the array as short as what is open, at a constant cost each.
    if (this.#head > keptTickets && this.#head * 2 > this.#open.length) {
      this.#open = this.#open.slice(this.#head);
      this.#head = 0;
    }
  }
}
