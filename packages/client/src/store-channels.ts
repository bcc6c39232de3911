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
  /** Has the address of a store asked for again: it could not be reached, or another store answered there. */
  doubt(storeId: number): void;
  close(): void;
}
