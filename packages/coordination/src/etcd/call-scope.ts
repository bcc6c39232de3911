import type { Runtime, TimerHandle } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { CallOptions } from '../backend/coordination-backend.ts';

/** Why a call has to end. */
export type ScopeEnd = 'cancelled' | 'closed' | 'timeout';

/** The time and the signals that one call has. Dispose of it when the call is over. */
export class CallScope implements Disposable {
  /** Aborts once the call has to end; `end` says why. */
  readonly signal: AbortSignal;
  #end: ScopeEnd | undefined;
  readonly #runtime: Runtime;
  readonly #deadlineMs: number;
  readonly #timer: TimerHandle;
  readonly #unlisten: readonly (() => void)[];

  /** @param closing Aborts when the backend closes. */
  constructor(runtime: Runtime, timeoutMs: number, options: CallOptions, closing: AbortSignal) {
    const controller = new AbortController();
    const stop = (end: ScopeEnd, reason?: unknown): void => {
      if (this.#end !== undefined) return;
      this.#end = end;
      controller.abort(reason);
    };
    this.signal = controller.signal;
    this.#runtime = runtime;
    const allowedMs = options.timeoutMs ?? timeoutMs;
    this.#deadlineMs = runtime.clock.monotonicMs() + allowedMs;
    this.#timer = runtime.timers.after(allowedMs, () => stop('timeout'));
    this.#unlisten = [
      onAbort(closing, () => stop('closed')),
      onAbort(options.signal, (reason) => stop('cancelled', reason)),
    ];
  }

  get end(): ScopeEnd | undefined {
    return this.#end;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadlineMs - this.#runtime.clock.monotonicMs());
  }

  /** The error of a call that ended before it was sent, or that changes nothing. */
  endError(cause?: unknown): BackendError {
    switch (this.#end) {
      case 'closed':
        return new BackendError('closed', 'the backend is closed', { cause });
      case 'cancelled':
        return new BackendError('cancelled', 'the caller gave the call up', { cause: this.signal.reason });
      default:
        return new BackendError('timeout', 'the time of the call was over before an answer came', { cause });
    }
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
    for (const unlisten of this.#unlisten) unlisten();
  }
}

/** Calls `listener` once, at once if the signal has aborted already; what it returns takes the listener off. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    listener(signal.reason);
    return () => undefined;
  }
  const run = (): void => listener(signal.reason);
  signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}

/** The promise's outcome, or a rejection with the signal's reason, whichever comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, reject);
    promise.then(resolve, reject).finally(unlisten);
  });
}
