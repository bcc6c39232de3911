import type { MethodDefinition } from '@flotilla/protocol';
import type { Timers } from '@flotilla/runtime';
import type { AttemptOutcome, StoreStream, StreamEvent } from './store-channels.ts';

/** A store in this process, whose calls go to it directly. */
export interface LocalStore {
  readonly storeId: number;
  /**
   * Answers a request of the method at `path` as the store's server would; `undefined` when that method has to go through the
   * server. Rejects with an error whose `code` is `invalidArgument` for a request that is out of its limits.
   */
  call(path: string, request: unknown): Promise<unknown> | undefined;
  /** Opens a stream in the same way; may throw what `call` rejects with. */
  stream?(path: string, request: unknown): LocalStream | undefined;
}

/** A stream of answers that comes from this process. */
export interface LocalStream {
  /** The next message; `undefined` at the end. One call at a time. */
  next(): Promise<unknown>;
  /** Once it has ended: whether it may go on elsewhere. */
  readonly isCutOff: boolean;
  close(): void;
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

/** Opens a stream of a store of this process; `undefined` when the method has to go through the store's server. */
export function streamLocally<Request, Response>(
  store: LocalStore,
  method: MethodDefinition<Request, Response>,
  request: Request,
): StoreStream<Response> | undefined {
  let stream: LocalStream | undefined;
  try {
    stream = store.stream?.(method.path, request);
  } catch (error) {
    return endedStream(refusalOf(error));
  }
  if (stream === undefined) return undefined;
  const local = stream;
  let end: StreamEvent<Response> | undefined;
  return {
    async next() {
      if (end !== undefined) return end;
      const message = (await local.next()) as Response | undefined;
      if (message !== undefined && end === undefined) return { type: 'message', message };
      end ??= local.isCutOff
        ? { type: 'broken', cause: new Error('the store has ended the stream') }
        : { type: 'ended' };
      return end;
    },
    close: () => {
      end ??= { type: 'broken', cause: new Error('the stream was closed') };
      local.close();
    },
  };
}

/** A stream that has ended before it began. */
export function endedStream(end: Exclude<StreamEvent<never>, { type: 'message' }>): StoreStream<never> {
  return { next: async () => end, close: () => {} };
}

function refusalOf(error: unknown): Extract<AttemptOutcome<never>, { type: 'refused' | 'broken' }> {
  const isInvalid = error instanceof Error && (error as Error & { readonly code?: unknown }).code === 'invalidArgument';
  return isInvalid ? { type: 'refused', isInvalid, cause: error } : { type: 'broken', cause: error };
}
