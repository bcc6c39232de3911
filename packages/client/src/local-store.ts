import type { MethodDefinition } from '@flotilla/protocol';
import type { Timers } from '@flotilla/runtime';
import type { AttemptOutcome } from './store-channels.ts';

/** A store in this process, whose calls go to it directly. */
export interface LocalStore {
  readonly storeId: number;
  /**
   * Answers a request of the method at `path` as the store's server would; `undefined` when that method has to go through the
   * server. Rejects with an error whose `code` is `invalidArgument` for a request that is out of its limits.
   */
  call(path: string, request: unknown): Promise<unknown> | undefined;
}

/** When an attempt is given up. */
interface AttemptLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  readonly timers: Timers;
}

/** Asks a store of this process once; `undefined` when the method has to go through the store's server. Never rejects. */
export function attemptLocally<Request, Response>(
  store: LocalStore,
  method: MethodDefinition<Request, Response>,
  request: Request,
  { signal, timeoutMs, timers }: AttemptLimits,
): Promise<AttemptOutcome<Response>> | undefined {
  if (signal.aborted) return Promise.resolve({ type: 'notSent', cause: signal.reason });
  const answer = store.call(method.path, request) as Promise<Response> | undefined;
  if (answer === undefined) return undefined;
  return new Promise((resolve) => {
    const giveUp = (): void => end({ type: 'broken', cause: signal.reason ?? new Error('the store did not answer') });
    const timer = timeoutMs === undefined ? undefined : timers.after(timeoutMs, giveUp);
    const end = (outcome: AttemptOutcome<Response>): void => {
      timer?.cancel();
      signal.removeEventListener('abort', giveUp);
      resolve(outcome);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    answer.then(
      (response) => end({ type: 'answered', response }),
      (error: unknown) => end(refusalOf(error)),
    );
  });
}

function refusalOf(error: unknown): AttemptOutcome<never> {
  const isInvalid = error instanceof Error && (error as Error & { readonly code?: unknown }).code === 'invalidArgument';
  return isInvalid ? { type: 'refused', isInvalid, cause: error } : { type: 'broken', cause: error };
}
