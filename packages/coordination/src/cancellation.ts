import { CancelledError } from './coordination-error.ts';

/** The error of a call whose caller's signal aborted, with the signal's reason as its cause. */
export function cancelledBy(signal: AbortSignal, action: string): CancelledError {
  return new CancelledError(`${action}: the caller's signal aborted`, { cause: signal.reason });
}

/**
 * Ends a call whose caller's signal has aborted before it did anything.
 *
 * @throws {CancelledError} when it has.
 */
export function throwIfCancelled(signal: AbortSignal | undefined, action: string): void {
  if (signal?.aborted === true) throw cancelledBy(signal, action);
}

/**
 * What `promise` comes to, or a rejection with `error()` as soon as `signal` aborts; the promise then goes on unheard. Leaves no
 * listener on the signal.
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  error: () => unknown,
): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(error());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    promise.catch(() => {});
  }
}
