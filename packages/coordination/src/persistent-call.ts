import type { Runtime } from '@flotilla/runtime';
import { BackendError } from './backend/backend-error.ts';
import type { CallOptions } from './backend/coordination-backend.ts';
import { coordinationErrorOf } from './coordination-error.ts';

const firstWaitMs = 50;
const longestWaitMs = 1_000;

/**
 * Makes a call again and again while no server answers it, until it comes to something or `signal` aborts. For calls that may be
 * carried out twice and come to the same.
 *
 * @param action What is being done, for the message of an error.
 * @throws the signal's reason once it has aborted.
 * @throws {CoordinationError} for what time cannot heal.
 */
export async function callPersistently<T>(
  runtime: Runtime,
  signal: AbortSignal,
  action: string,
  call: (options: CallOptions) => Promise<T>,
): Promise<T> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    signal.throwIfAborted();
    try {
      return await call({ signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BackendError)) throw error;
      if (!isPassing(error)) throw coordinationErrorOf(error, action);
    }
    await runtime.timers.sleep(waitMs * (1 - runtime.random.fraction() / 2), signal);
  }
}

/** Whether a later try may come to something else, and this one is not known to have done anything. */
function isPassing({ code }: BackendError): boolean {
  return code === 'unavailable' || code === 'timeout' || code === 'outcomeUnknown';
}
