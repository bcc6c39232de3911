import type { MethodDefinition } from '@flotilla/protocol';

/**
 * How one attempt ended.
 *
 * - `answered`: the store's response; it may still be a region's refusal.
 * - `notSent`: no connection could be made; nothing of the request has left, so that it certainly took no effect.
 * - `refused`: the store refused the request as such; it certainly took no effect.
 * - `broken`: the request was sent and no answer came; it may have taken effect.
 */
export type AttemptOutcome<Response> =
  | { readonly type: 'answered'; readonly response: Response }
  | { readonly type: 'notSent'; readonly cause: unknown }
  | { readonly type: 'refused'; readonly isInvalid: boolean; readonly cause: Error }
  | { readonly type: 'broken'; readonly cause: unknown };

/**
 * What a reader of a stream comes to.
 *
 * - `message`: the next answer.
 * - `ended`: the store has ended it, and there is no more.
 * - `refused`: the store refused the request as such.
 * - `broken`: no connection, or it was lost, or the store cannot go on with the stream; another may.
 */
export type StreamEvent<Response> =
  | { readonly type: 'message'; readonly message: Response }
  | { readonly type: 'ended' }
  | { readonly type: 'refused'; readonly isInvalid: boolean; readonly cause: Error }
  | { readonly type: 'broken'; readonly cause: unknown };

/** Answers to one request as they come, read at the reader's pace: what is not read waits with the store. */
export interface StoreStream<Response> {
  /** One call at a time; after any event but `message`, the same again. Never rejects. */
  next(): Promise<StreamEvent<Response>>;
  /** Ends it: a `next` that waits, and every one to come, is `broken`. */
  close(): void;
}

/** How requests reach stores. */
export interface StoreChannels {
  /** Sends one request once. Never rejects. `timeoutMs` bounds the time from sending to the answer. */
  attempt<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<AttemptOutcome<Response>>;
  /** Opens a stream of answers to one request. Never throws; what goes wrong is its end. */
  stream<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): StoreStream<Response>;
  /** Has the address of a store asked for again: it could not be reached, or another store answered there. */
  doubt(storeId: number): void;
  close(): void;
}
