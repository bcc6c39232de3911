/**
 * A controller that also aborts with any of the signals, and its own end: `release` takes its listeners off them, which
 * `AbortSignal.any` leaves to the garbage collector, however long the signals live.
 */
export function linkAbort(...signals: readonly (AbortSignal | undefined)[]): {
  readonly controller: AbortController;
  release(): void;
} {
  const controller = new AbortController();
  const linked = signals.filter((signal) => signal !== undefined);
  const abort = (): void => {
    controller.abort(linked.find((signal) => signal.aborted)?.reason);
  };
  for (const signal of linked) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return {
    controller,
    release: () => {
      for (const signal of linked) signal.removeEventListener('abort', abort);
    },
  };
}
