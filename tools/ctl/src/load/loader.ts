import { AcknowledgedPrefix, type LineTicket, type PrefixState } from './acknowledged-prefix.ts';
import type { InputLine } from './line-reader.ts';
import type { RecordLine } from './record-line.ts';
import { Slots } from './slots.ts';

/** What became of one record: acknowledged, refused for good, or not acknowledged before its writer gave up. */
export type WriteOutcome =
  | { readonly type: 'written' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'gaveUp'; readonly cause: unknown };

/** Why a load ended. In each case but `complete`, the prefix says up to where everything is acknowledged. */
export type LoadEnd =
  | { readonly type: 'complete' }
  | { readonly type: 'interrupted' }
  | { readonly type: 'malformed'; readonly line: number; readonly reason: string }
  | { readonly type: 'gaveUp'; readonly line: number; readonly cause: unknown };

/** What a load works on and with. */
export interface LoadPlan {
  readonly lines: AsyncIterator<InputLine>;
  /** Where the lines begin, and what was dealt with before. */
  readonly start: PrefixState;
  readonly parse: (line: Uint8Array) => RecordLine;
  /** Writes one record; never rejects. */
  readonly write: (key: Uint8Array, value: Uint8Array) => Promise<WriteOutcome>;
  /** The most records being written at once. */
  readonly concurrency: number;
  /** The most bytes of keys and values being written at once; a larger record is written alone. */
  readonly maxBytesUnderWay: number;
  /** The most lines begun beyond the first one that is not acknowledged. */
  readonly maxLinesAhead: number;
  readonly maxLineBytes: number;
  /** Goes on past lines that are no records. */
  readonly skipBad: boolean;
  readonly onSkipped: (line: number, reason: string) => void;
  /** Ends the load early: nothing more is begun, what is being written is waited for. */
  readonly interrupt: AbortSignal;
}

/**
 * Writes the records of an input, many at once.
 *
 * Two records with the same key are written one after the other, in the input's order, so that the last one wins as it
 * would if all were written in turn. At the first line that is no record nothing more is begun, and what was begun before
 * it is waited for: nothing is half written, and the prefix ends before that line.
 */
export class Loader {
  readonly #plan: LoadPlan;
  readonly #prefix: AcknowledgedPrefix;
  readonly #slots: Slots;
  readonly #keysInFlight = new Map<string, Promise<void>>();
  #records: number;
  #skipped: number;
  #end: LoadEnd | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#prefix = new AcknowledgedPrefix(plan.start);
    this.#slots = new Slots(plan.concurrency, plan.maxBytesUnderWay);
    this.#records = plan.start.records;
    this.#skipped = plan.start.skipped;
  }

  /** Everything before it is acknowledged or skipped. */
  get prefix(): PrefixState {
    return this.#prefix.state;
  }

  /** Records acknowledged so far, in the prefix or beyond. */
  get records(): number {
    return this.#records;
  }

  /** Lines skipped so far. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Runs the load to its end; once only. */
  async run(): Promise<LoadEnd> {
    while (this.#end === undefined) {
      const next = await this.#nextLine();
      if (next === 'interrupted') this.#stop({ type: 'interrupted' });
      else if (next.done === true) break;
      else await this.#begin(next.value);
    }
    await this.#slots.idle();
    return this.#end ?? { type: 'complete' };
  }

  /** Not a race against one long-lived promise: that would hold a reaction for every line read. */
  #nextLine(): Promise<IteratorResult<InputLine> | 'interrupted'> {
    const { lines, interrupt } = this.#plan;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => resolve('interrupted');
      if (interrupt.aborted) onAbort();
      interrupt.addEventListener('abort', onAbort, { once: true });
      lines
        .next()
        .then(resolve, reject)
        .finally(() => interrupt.removeEventListener('abort', onAbort));
    });
  }

  async #begin(line: InputLine): Promise<void> {
    const ticket = this.#prefix.begin(line);
    const parsed = line.bytes === undefined ? this.#tooLong() : this.#plan.parse(line.bytes);
    if (parsed.type === 'blank') {
      this.#prefix.settle(ticket, 'blank');
    } else if (parsed.type === 'malformed') {
      this.#reject(ticket, parsed.reason);
    } else {
      const name = Buffer.from(parsed.key).toString('latin1');
      await this.#keysInFlight.get(name);
      const bytes = parsed.key.length + parsed.value.length;
      await this.#slots.take(bytes);
      if (this.#plan.interrupt.aborted) this.#stop({ type: 'interrupted' });
      if (this.#end === undefined) this.#write(ticket, name, parsed.key, parsed.value);
      else this.#slots.free(bytes);
    }
    if (this.#prefix.ahead >= this.#plan.maxLinesAhead) await this.#slots.idle();
  }

  #write(ticket: LineTicket, name: string, key: Uint8Array, value: Uint8Array): void {
    const writing = this.#plan.write(key, value).then((outcome) => {
      this.#keysInFlight.delete(name);
      if (outcome.type === 'written') {
        this.#records += 1;
        this.#prefix.settle(ticket, 'written');
      } else if (outcome.type === 'refused') {
        this.#reject(ticket, outcome.reason);
      } else if (this.#plan.interrupt.aborted) {
        this.#stop({ type: 'interrupted' });
      } else {
        this.#stop({ type: 'gaveUp', line: ticket.line, cause: outcome.cause });
      }
      this.#slots.free(key.length + value.length);
    });
    this.#keysInFlight.set(name, writing);
  }

  #reject(ticket: LineTicket, reason: string): void {
    if (!this.#plan.skipBad) {
      this.#stop({ type: 'malformed', line: ticket.line, reason });
      return;
    }
    this.#skipped += 1;
    this.#prefix.settle(ticket, 'skipped');
    this.#plan.onSkipped(ticket.line, reason);
  }

  /** The first reason stays: what follows from it is not what stopped the load. */
  #stop(end: LoadEnd): void {
    this.#end ??= end;
  }

  #tooLong(): RecordLine {
    return { type: 'malformed', reason: `the line is longer than ${this.#plan.maxLineBytes} bytes` };
  }
}
