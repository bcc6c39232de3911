import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { CancelledError, type ClientError, DeadlineExceededError } from './client-error.ts';

/** What every call of the client takes. */
export interface CallOptions {
  /** Gives the call up. A write that was already sent then ends with `outcomeUnknown`. */
  readonly signal?: AbortSignal | undefined;
  /** The whole time of the call, retries included, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** The end of a call's time: by its deadline or by its caller, whichever comes first. */
export class CallDeadline {
  readonly #controller = new AbortController();
  readonly #timer: TimerHandle;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = (): void =>
    this.end(new CancelledError('the caller gave up', { cause: this.#caller?.reason }));

  constructor(runtime: Runtime, timeoutMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = runtime.timers.after(timeoutMs, () =>
      this.end(new DeadlineExceededError(`the call was not done within ${timeoutMs} ms`)),
    );
    if (caller?.aborted === true) this.#onCallerAbort();
    else caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  /** Aborts at the end, with the error to tell as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the time is over; `undefined` while it is not. */
  get ended(): ClientError | undefined {
    return this.signal.aborted ? (this.signal.reason as ClientError) : undefined;
  }

  /** Must be called when the call is done. */
  dispose(): void {
    this.#timer.cancel();
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }

  /** Ends the time early. */
  end(reason: ClientError): void {
    if (this.signal.aborted) return;
    this.#timer.cancel();
    this.#controller.abort(reason);
  }
}

/** The promise's outcome, unless the signal aborts first: then its reason is thrown, and the promise is left to itself. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
