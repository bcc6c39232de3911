import { assert, type Clock } from '@flotilla/runtime';
import type { HistoryEvent } from './history-event.ts';
import type { Json, Operation, OperationOutcome } from './operation.ts';
import { misfitOf, pairEvents } from './pair-events.ts';

const nanosecondsPerMillisecond = 1_000_000;

/** An operation under way; one of the three is called, once. */
export interface OpenOperation {
  /** It took effect, and answered `output`. */
  ok(output?: Json): void;
  /** It had no effect, and never will have. */
  fail(): void;
  /** Nobody knows whether it had, has, or will have an effect. */
  info(): void;
}

/**
 * Records what clients do and see, in the order in which it happens.
 *
 * Invariant: an operation is invoked before its first byte leaves and ended after its answer has arrived, so that the
 * recorded interval contains the moment at which it took effect.
 */
export class HistoryRecorder {
  readonly #clock: Clock;
  readonly #originMs: number;
  readonly #events: HistoryEvent[] = [];
  readonly #open = new Map<number, HistoryEvent>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#originMs = clock.monotonicMs();
  }

  /** All events so far; operations under way have no end yet. */
  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** All operations so far, in the order of invocation; what is still under way is unknown. */
  operations(): Operation[] {
    return pairEvents(this.#events);
  }

  /**
   * Notes that `process` begins an operation.
   *
   * @throws {InvariantError} when it has one under way, or when the returned operation is ended twice.
   */
  invoke(process: number, op: string, key: string, input: Json = null): OpenOperation {
    const begun = this.#note({ process, type: 'invoke', op, key, value: input, time: this.#nowNs() });
    this.#open.set(process, begun);
    const end = (type: OperationOutcome, value: Json): void => {
      assert(this.#open.get(process) === begun, 'an operation ends once', { process, op });
      this.#note({ process, type, op, key, value, time: this.#nowNs() });
      this.#open.delete(process);
    };
    return {
      ok: (output = null) => end('ok', output),
      fail: () => end('fail', null),
      info: () => end('info', null),
    };
  }

  #note(event: HistoryEvent): HistoryEvent {
    const misfit = misfitOf(event, this.#open.get(event.process));
    assert(misfit === undefined, misfit ?? '');
    this.#events.push(event);
    return event;
  }

  #nowNs(): number {
    return Math.round((this.#clock.monotonicMs() - this.#originMs) * nanosecondsPerMillisecond);
  }
}
