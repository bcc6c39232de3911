import type { Timers } from '@flotilla/runtime';
import { cancelledBy } from './cancellation.ts';
import { CoordinationError, TimeoutError } from './coordination-error.ts';

/** What bounds a call that may wait. */
export interface ScopeOptions {
  /** Gives the call up, which rejects with a `CancelledError`. */
  readonly signal?: AbortSignal | undefined;
  /** The longest that the call may take, 0 or more; without limit unless given. It rejects with a `TimeoutError`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * How long a call goes on: until it is done, its caller's signal aborts, its time is over, or something that it relies on ends.
 * The signal's reason is the error that the call ends with. To be closed when the call is done, so that nothing stays behind on
 * the signals it listens to.
 */
export class CallScope implements Disposable {
  readonly #controller = new AbortController();
  readonly #releases: (() => void)[] = [];

  /**
   * @param action For the message of the error: "acquiring a lock".
   * @param others Signals that end the call too, with their own reasons.
   */
  constructor(timers: Timers, action: string, options: ScopeOptions, others: readonly AbortSignal[] = []) {
    const { signal, timeoutMs } = options;
    if (signal !== undefined) this.#follow(signal, () => endOf(signal, action));
    for (const other of others) this.#follow(other, () => other.reason);
    if (timeoutMs !== undefined && Number.isFinite(timeoutMs)) {
      const timer = timers.after(timeoutMs, () => {
        this.#controller.abort(new TimeoutError(`${action}: not done within ${timeoutMs} ms`));
      });
      this.#releases.push(() => timer.cancel());
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const release of this.#releases.splice(0)) release();
  }

  #follow(source: AbortSignal, reason: () => unknown): void {
    const onAbort = (): void => this.#controller.abort(reason());
    if (source.aborted) {
      onAbort();
      return;
    }
    source.addEventListener('abort', onAbort, { once: true });
    this.#releases.push(() => source.removeEventListener('abort', onAbort));
  }
}

/** A call inside another ends with the error of the outer. */
function endOf(signal: AbortSignal, action: string): CoordinationError {
  return signal.reason instanceof CoordinationError ? signal.reason : cancelledBy(signal, action);
}
